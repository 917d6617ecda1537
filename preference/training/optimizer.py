"""Adam (arXiv:1412.6980) with one pass over each variable."""

import keras

from preference.config.params import TrainParams

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="preference")
class FusedAdam(keras.optimizers.Adam):
    """`keras.optimizers.Adam` that updates a variable with TensorFlow's own kernel.

    Keras makes a dozen operations of the update, and each of them reads and writes the whole
    variable: 49 million values of the token embedding in every step. A sparse gradient is summed by
    row before it is squared; Keras squares it without this sum.
    """

    def update_step(
        self,
        gradient: keras.KerasTensor,
        variable: keras.Variable,
        learning_rate: keras.KerasTensor,
    ) -> None:
        """Update `variable` and its two moments in place."""
        if keras.backend.backend() != "tensorflow":
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
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


# Weight decay applies to matrices, not to biases or the parameters of layer normalization.
WITHOUT_DECAY = ["bias", "gamma", "beta"]


def build_optimizer(params: TrainParams, steps: int) -> keras.optimizers.Optimizer:
    """Build Adam or AdamW with a linear warm-up to the peak, then a cosine decay to zero.

    Args:
        params: optimizer, peak learning rate, weight decay and fraction of warm-up steps.
        steps: optimizer steps of the whole run, if it is not stopped early.
    """
    warmup = round(params.warmup_share * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else params.learning_rate,
        warmup_target=params.learning_rate if warmup else None,
        warmup_steps=warmup,
        decay_steps=max(steps - warmup, 1),
    )
    if params.optimizer == "adam":
        return FusedAdam(schedule)
    # Adam with decoupled weight decay is AdamW (arXiv:1711.05101).
    optimizer = FusedAdam(schedule, weight_decay=params.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=WITHOUT_DECAY)
    return optimizer
