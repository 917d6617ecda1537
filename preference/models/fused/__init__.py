"""Operations with a custom gradient, or fused by XLA."""
