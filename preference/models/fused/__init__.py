"""Operations with a written-out gradient, or fused by XLA."""
