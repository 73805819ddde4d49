"""What a training runs on: device, processes, memory, signals and logs."""
