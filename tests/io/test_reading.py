from raysp.io import reading


def test_what_is_read_is_told_inside_the_block_alone():
    told = []
    reading.tell("a.csv", 1, 9)
    with reading.heard(lambda *news: told.append(news)):
        reading.tell("a.csv", 2, 9)
        with reading.heard(lambda *news: told.append(("inner", *news))):
            reading.tell("b.csv", 3, 9)
        reading.tell("a.csv", 4, 9)
    reading.tell("a.csv", 5, 9)

    assert told == [("a.csv", 2, 9), ("inner", "b.csv", 3, 9), ("a.csv", 4, 9)]
