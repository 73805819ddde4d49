from bitrecall.reproduction.log_studies.steps_table import steps_table


def test_sizes_and_steps_ascend_and_the_recipes_epochs_are_bold(row):
    def cell(size, multiple, recall):
        epochs = round(16 * multiple)
        details = {
            "size": size,
            "multiple": multiple,
            "users": 1000,
            "interactions": 27_000,
            "batch": 128,
            "epochs": epochs,
            "steps": 8 * epochs,
        }
        name = f"steps/gowalla/{size}/{multiple:g}"
        return row(name, recall=recall, split="validation", details=details)

    rows = [cell("10x", 1, 0.1), cell("1000-users", 2, 0.2), cell("1000-users", 1, 0.19)]
    assert steps_table(rows).splitlines()[2:] == [
        "| Gowalla | 1000-users | 1,000 | 27,000 | 128 | **16** | 128 "
        "| .1900 | .3800 | .0950 | 95.0% | 90 |",
        "| Gowalla | 1000-users | 1,000 | 27,000 | 128 | 32 | 256 "
        "| .2000 | .4000 | .1000 | 100.0% | 90 |",
        "| Gowalla | 10x | 1,000 | 27,000 | 128 | **16** | 128 "
        "| .1000 | .2000 | .0500 | 100.0% | 90 |",
    ]
