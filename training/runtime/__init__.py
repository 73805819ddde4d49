"""Runtime of a training: device, processes, memory, signals and logs."""
