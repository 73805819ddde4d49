import pytest

from bitrecall.reproduction.plan import load_plan, parse_plan
from bitrecall.training.errors import RecipeError, StudyError


def test_a_row_is_scored_on_the_test_split_and_named_by_its_part(plan):
    part = plan.parts[0]
    assert (part.dataset, part.method, part.bits) == ("gowalla", "proposed", 16)
    assert (part.study, part.variant, part.split) == ("table", None, "test")
    assert part.seeds == (0, 1)
    recipe = part.recipe(seed=7)
    assert (recipe.seed, recipe.bits, recipe.method) == (7, 16, "proposed")


def test_a_variant_extends_its_study_and_is_scored_on_validation(plan):
    aage, steeper = (part for part in plan.parts if part.study == "sign")
    assert aage.name == "gowalla/study/sign/aage"
    assert (aage.variant, aage.split, aage.bits) == ("aage", "validation", 16)
    assert aage.recipe(0).sign.beta == 1
    assert steeper.recipe(0).sign.beta == 2
    assert (aage.recipe(0).validation.share, aage.recipe(0).validation.cut) == (0.2, "latest")
    assert plan.studies["gowalla/study/sign"].label("aage") == "AAGE"
    assert plan.studies["gowalla/study/sign"].label("not-planned") == "not planned"


def test_the_built_in_plan_has_valid_recipes_and_fits_twelve_hours():
    plan = load_plan()
    for part in plan.parts:
        for seed in part.seeds:
            assert part.recipe(seed).seed == seed
    assert sum(part.minutes * len(part.seeds) for part in plan.parts) <= 12 * 60


def test_the_built_in_plan_has_every_table_row_with_three_seeds_of_ours():
    plan = load_plan()
    seeds = {part.name: part.seeds for part in plan.parts}
    for dataset in ("gowalla", "yelp2018"):
        for method in ("bgch", "hashgnn", "hashrec"):
            assert f"{dataset}/{method}/256" in seeds
        assert f"{dataset}/lightgcn/2048" in seeds
        for method in ("bitrecall", "proposed"):
            assert seeds[f"{dataset}/{method}/256"] == (0, 1, 2)
        lengths = {p.bits for p in plan.parts if p.name.startswith(f"{dataset}/bitrecall/")}
        assert lengths == {32, 64, 128, 256, 512, 1024}
    assert "gowalla/bgch-weighted/768" in seeds


def test_the_name_of_a_row_has_the_bits_of_its_recipe():
    for part in load_plan().parts:
        recipe = part.recipe(0)
        if part.split != "test" or part.method == "lightgcn":
            continue
        weighted = recipe.method == "bgch" and recipe.bgch.form == "weighted"
        codes = recipe.encoder.layers + 1 if weighted else 1
        assert part.bits == codes * recipe.bits, part.name


def test_parts_scored_on_validation_have_a_validation_split():
    for part in load_plan().parts:
        if part.split == "validation":
            assert part.recipe(0).validation.share > 0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[row", "not valid TOML"),
        ('[[row]]\npart = "gowalla/proposed"\nrecipe = "sample"\nminutes = 1', "row.0.part"),
        ('[[row]]\npart = "a/b/16"\nrecipe = "sample"\nminute = 1', "row.0.minute"),
        ('[[row]]\npart = "a/b/16"\nrecipe = "sample"\nminutes = 1\nseeds = []', "row.0.seeds"),
        (
            '[[study]]\npart = "a/study/s"\ntitle = "T"\nrecipe = "sample"\nminutes = 1\n'
            "[study.variant]",
            "study.0.variant",
        ),
    ],
)
def test_names_the_invalid_key_of_a_plan(text, complaint):
    with pytest.raises(StudyError, match=complaint) as raised:
        parse_plan(text, "plan.toml")
    assert str(raised.value).startswith("plan.toml")


def test_rejects_a_duplicate_part():
    text = '[[row]]\npart = "a/b/16"\nrecipe = "sample"\nminutes = 1\n'
    with pytest.raises(StudyError, match="a/b/16 twice"):
        parse_plan(text * 2, "plan.toml")


def test_rejects_a_variant_with_an_unknown_key():
    text = (
        '[[study]]\npart = "a/study/s"\ntitle = "T"\nrecipe = "sample"\nminutes = 1\n'
        'variant.x.set = ["sign.slope=2"]'
    )
    with pytest.raises(RecipeError, match=r"sign\.slope"):
        parse_plan(text, "plan.toml")


def test_rejects_a_missing_plan_file(tmp_path):
    with pytest.raises(StudyError, match="cannot be read"):
        load_plan(tmp_path / "none.toml")
