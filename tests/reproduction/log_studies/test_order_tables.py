from bitrecall.reproduction.log_studies.order_tables import order_table, search_table

SIZE = {"settings": {"dimensions": 64, "dropout": 0.5}}


def test_compares_codes_and_the_sequence_model_by_data_set(row):
    times = {"training_seconds": 600, "search_seconds": 2400}
    rows = [
        row("codes/toys", variant="recency off", recall=0.1, details={"bits": 256}),
        row("codes/beauty", variant="with recency", details={"bits": 128}),
        row("codes/beauty", variant="recency off", recall=0.1, details={"bits": 128}),
        row("sasrec/beauty/test", recall=0.15, details=SIZE | times),
        row("sasrec/beauty/64-dropout-0.5", split="validation", details=SIZE | {"epoch": 3}),
    ]
    assert order_table(rows).splitlines()[2:] == [
        "| toys | codes, recency off | 32 | .1000 | .2000 | .0500 | 90 |  |",
        "| beauty | codes, recency off | 16 | .1000 | .2000 | .0500 | 90 |  |",
        "| beauty | codes | 16 | .2000 | .4000 | .1000 | 90 |  |",
        "| beauty | SASRec | 256 | .1500 | .3000 | .0750 | 600 | 2,400 |",
    ]


def test_shows_the_deviation_of_several_seeds(row):
    rows = [
        row("codes/toys", seed, variant="with recency", recall=recall, details={"bits": 256})
        for seed, recall in enumerate((0.1, 0.12))
    ]
    assert "| .1100 ± .0141 |" in order_table(rows)


def test_lists_the_settings_that_were_validated(row):
    rows = [
        row(
            "sasrec/toys/64-dropout-0.5",
            split="validation",
            metrics={"recall@50": 0.2},
            details=SIZE | {"epoch": 12},
        )
    ]
    assert search_table(rows).splitlines() == [
        "| data | dimensions | dropout | R@50 | best epoch | s |",
        "| --- | --- | --- | --- | --- | --- |",
        "| toys | 64 | 0.5 | .2000 | 12 | 90 |",
    ]
