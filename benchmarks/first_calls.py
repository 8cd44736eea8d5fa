"""Seconds of what a process does once: import, load and compile, untreated steady state."""

from time import perf_counter


def main() -> None:
    """Print the three times; `python -m benchmarks.first_calls` is a new process."""
    start = perf_counter()
    import p53net

    imported = perf_counter()
    model = p53net.load("milademetan")
    model.runner().engine.ready()
    compiled = perf_counter()
    model.runner().resting.ready()
    print(imported - start, compiled - imported, perf_counter() - compiled)


if __name__ == "__main__":
    main()
