"""Adam (arXiv:1412.6980) with one pass over each variable."""

from collections.abc import Collection, Sequence
from typing import Any

import keras

from preference.config.model_params import TrainParams
from preference.training.weight_average import newest_share

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

# A tensor of the backend; on TensorFlow, that of an embedding is `tf.IndexedSlices`.
Gradient = Any


@keras.saving.register_keras_serializable(package="preference")
class FusedAdam(keras.optimizers.Adam):
    """`keras.optimizers.Adam` that updates a variable with TensorFlow's own kernel.

    Keras makes a dozen operations of the update, and each of them reads and writes the whole
    variable: 49 million values of the token embedding in every step. A sparse gradient is summed by
    row before it is squared; Keras squares it without this sum.

    The variables whose paths are in `scaled` have the learning rate times `factor`. Their weight
    decay has the learning rate itself. With `average_decay`, `averages` are the moving averages of
    all variables (`preference.training.weight_average`), and a part of the optimizer's state.
    """

    scaled: frozenset[str] = frozenset()
    factor: float = 1.0
    average_decay: float | None = None

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Create the moments and averages of `variables`."""
        super().build(variables)
        if self.average_decay is not None:
            self.averages = self.add_optimizer_variables(variables, "average")
            for average, variable in zip(self.averages, variables, strict=True):
                # JAX would otherwise let both be one array, and refuses to update it twice.
                average.assign(variable.numpy())

    def apply(
        self,
        grads: Sequence[Gradient],
        trainable_variables: Sequence[keras.Variable] | None = None,
    ) -> None:
        """Update all variables; the norm of a sparse gradient is that of the dense one."""
        if self.global_clipnorm and keras.backend.backend() == "tensorflow":
            grads = [_sum_repeated_rows(gradient) for gradient in grads]
        super().apply(grads, trainable_variables)
        if self.average_decay is not None:
            share = newest_share(self.average_decay, self.iterations)
            # A sparse gradient changes few rows, but the averages of all approach their values.
            for average, variable in zip(self.averages, self._trainable_variables, strict=True):
                average.assign_add(share * (variable - average))

    def update_step(
        self,
        gradient: keras.KerasTensor,
        variable: keras.Variable,
        learning_rate: keras.KerasTensor,
    ) -> None:
        """Update `variable` and its two moments in place."""
        index = self._get_variable_index(variable)
        if self._trainable_variables[index].path in self.scaled:
            learning_rate = learning_rate * self.factor
        if keras.backend.backend() != "tensorflow":
            super().update_step(gradient, variable, learning_rate)
            return
        step = tf.cast(self.iterations.value + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(tf.cast(self.beta_1, variable.dtype), step),
            beta2_power=tf.pow(tf.cast(self.beta_2, variable.dtype), step),
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(tf.convert_to_tensor(gradient), variable.dtype),
        )


def _sum_repeated_rows(gradient: Gradient) -> Gradient:
    """Return a gradient with each row once: Keras takes its norm as if all rows were others."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows, places = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, places, tf.size(rows))
    return tf.IndexedSlices(values, rows, gradient.dense_shape)


# Weight decay applies to matrices, not to biases or the parameters of layer normalization.
WITHOUT_DECAY = ["bias", "gamma", "beta"]


def build_optimizer(
    params: TrainParams, steps: int, head: Collection[keras.Variable] = ()
) -> keras.optimizers.Optimizer:
    """Build Adam or AdamW with a linear warm-up to the peak, then a cosine decay to zero.

    Args:
        params: optimizer, peak learning rate, weight decay, fraction of warm-up steps, limit of the
            norm of the gradients (Pascanu et al., 2013, algorithm 1), the head's factor, and the
            decay of the average.
        steps: optimizer steps of the whole run, if it is not stopped early.
        head: the variables of the head.
    """
    warmup = round(params.warmup_share * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else params.learning_rate,
        warmup_target=params.learning_rate if warmup else None,
        warmup_steps=warmup,
        decay_steps=max(steps - warmup, 1),
    )
    # Adam with decoupled weight decay is AdamW (arXiv:1711.05101).
    decay = params.weight_decay if params.optimizer == "adamw" else None
    optimizer = FusedAdam(schedule, weight_decay=decay, global_clipnorm=params.clip_norm)
    if decay is not None:
        optimizer.exclude_from_weight_decay(var_names=WITHOUT_DECAY)
    if params.head_learning_rate_factor != 1:
        optimizer.scaled = frozenset(variable.path for variable in head)
        optimizer.factor = params.head_learning_rate_factor
    optimizer.average_decay = params.weight_average
    return optimizer
