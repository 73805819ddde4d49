"""The tests mirror the packages: a module's tests are found by its path."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = (
    *("benchmarks", "bitrecall", "events", "index", "loadtest", "reproduction"),
    *("scheduler", "service", "training"),
)
# Tests of several modules together, or of pages and files, by folder.
ACROSS_MODULES = {
    "bitrecall": {"exported_names", "python_page", "variables"},
    "bitrecall/client": {"clients"},
    "events": {"changed_files", "odd_rows"},
    "index": {"imports"},
    "index/releases": {
        *("crafted_releases", "crashes", "release_damage", "release_format", "store_mirror"),
    },
    "index/search": {"conformance", "native_faults", "stored_conformance"},
    "reproduction": {"repeated_studies"},
    "service/api": {"large_responses"},
    "service/api/openapi/clients": {"clients"},
    "service/explorer": {"behind_nginx", "explorer", "page"},
    "service/http": {
        *("descriptors", "malformed_requests", "rejected_requests", "request_forms", "unread"),
    },
    "service/observability": {"dashboard"},
    "service/online": {"events_file", "events_to_release", "long_histories"},
    "service/releases": {"milvus"},
    "training": {"weighted_training", "weights"},
    "training/baselines": {"contract"},
    "training/data": {"data_page", "reports"},
    "training/data/tables": {"headers"},
    "training/model/signs": {"estimator"},
    "training/recipe": {"recipe_docs"},
    "training/retraining": {"collect_weights"},
}
TESTS = sorted(
    path.relative_to(ROOT / "tests")
    for room in ROOMS
    for path in (ROOT / "tests" / room).rglob("test_*.py")
)


@pytest.mark.parametrize("test", TESTS, ids=str)
def test_a_test_has_the_path_of_its_module(test: Path) -> None:
    module = test.with_name(test.stem.removeprefix("test_"))
    exists = (ROOT / module).with_suffix(".py").exists() or (ROOT / module).is_dir()
    across = module.name in ACROSS_MODULES.get(str(module.parent), set())
    assert exists != across, (
        f"{test} tests no module {module}.py: move it to the path of its module, or name it in "
        "ACROSS_MODULES"
        if not exists
        else f"{module}.py exists: remove its name from ACROSS_MODULES"
    )


def test_the_exceptions_exist() -> None:
    exceptions = {
        Path(folder) / f"test_{name}.py"
        for folder, names in ACROSS_MODULES.items()
        for name in names
    }
    assert exceptions <= set(TESTS)
