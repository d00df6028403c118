"""The Neural Latents Benchmark: its sets, tensors, behaviour and answers."""
