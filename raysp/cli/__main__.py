"""python -m raysp.cli"""

from raysp.cli import main

if __name__ == "__main__":
    main()
