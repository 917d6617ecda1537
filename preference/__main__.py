"""`python -m preference predict` and `python -m preference package`."""

from preference.cli.commands import main

if __name__ == "__main__":
    main()
