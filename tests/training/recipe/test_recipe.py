import subprocess
import sys
from importlib import resources
from typing import get_args

import pytest

from bitrecall.index.search.registry import backends
from bitrecall.training.errors import RecipeError
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.recipe.recipe_file import built_in_recipes, load_recipe, parse_recipe
from bitrecall.training.recipe.release_section import ReleaseRecipe

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", built_in_recipes())
def test_built_in_recipes_have_their_file_name_and_document_their_command(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    text = (resources.files("bitrecall.training.recipe") / "builtin" / f"{name}.toml").read_text(
        "utf-8"
    )
    assert f"--recipe {name} --releases" in text
    assert "recall@" in text or "validation metrics" in text


def test_an_empty_file_has_the_defaults(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("")
    assert load_recipe(path) == Recipe()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("epochs = 3", "unknown key 'epochs'"),
        ("[fit]\nepoch = 3", "unknown key 'fit.epoch'"),
        ("[fit]\nepochs = -1", "fit.epochs"),
        ("[fit]\nhidden = 1.0", "fit.hidden"),
        ("[fit]\nlearning_rate = nan", "fit.learning_rate"),
        ("[loss]\ncutoffs = []", "loss.cutoffs"),
        ("[loss]\npsi = 0", "loss.psi"),
        ("bits = 100", "bits"),
        ("bits = 'many'", "not 'many'"),
        ("[validation]\nmetric = 'auc'", "validation.metric"),
        ("[release]\nindex = 'annoy'", "release.index"),
        ("bits = 4096\nfit.batch_users = 4096", "at 4096 bits, use 2047 users or fewer"),
        ("[fit]\nepochs = 3\nstop_after = 4", "beyond fit.epochs"),
        ("method = 'als'", "method"),
        ("[sign]\nestimator = 'step'", "sign.estimator"),
        ("[sign]\nestimator = 'tanh'\nbeta = 20", r"sign: beta_end \(10.0\) must be at least"),
        ("[loss]\nname = 'hinge'", "loss.name"),
        ("[hashrec]\nbeta = 1", "unknown key 'hashrec.beta'"),
        ("bits =", "not valid TOML"),
    ],
)
def test_rejects_invalid_values_and_names_their_keys(tmp_path, text, complaint):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=complaint) as raised:
        load_recipe(path)
    assert "mine.toml" in str(raised.value)


def test_only_losses_that_count_levels_limit_the_batch():
    many = {"bits": 4096, "fit": {"batch_users": 4096}}
    for free in ({"loss": {"name": "softmax"}}, {"method": "hashrec"}):
        assert parse_recipe(many | free, "here").fit.batch_users == 4096
    with pytest.raises(RecipeError, match="2047 users"):
        parse_recipe(many | {"method": "proposed", "loss": {"name": "smooth_ndcg"}}, "here")


def test_reads_a_baseline_recipe_without_torch():
    read = (
        "import sys, bitrecall.training.recipe.recipe as r; r.Recipe(method='hashrec');"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", read], check=True)


def test_accepts_every_index():
    choices = get_args(ReleaseRecipe.model_fields["index"].annotation)
    assert set(choices) == {"auto", *backends()}


def test_names_every_wrong_key():
    with pytest.raises(RecipeError) as raised:
        parse_recipe({"fit": {"epoch": 1}, "loss": {"si": 2}}, "here")
    assert "unknown key 'fit.epoch'" in str(raised.value)
    assert "unknown key 'loss.si'" in str(raised.value)


def test_overrides_change_single_values():
    recipe = load_recipe(
        "default", ["fit.epochs=3", "loss.cutoffs=[10, 30]", "name=other", "fit.hidden = 0.25"]
    )
    assert recipe.fit.epochs == 3
    assert recipe.loss.cutoffs == (10, 30)
    assert recipe.name == "other"
    assert recipe.fit.hidden == 0.25
    assert recipe.encoder == load_recipe("default").encoder


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("fit.epochs", "section.key=value"),
        ("=3", "section.key=value"),
        ("fit..epochs=3", "section.key=value"),
        ("fit.speed=3", "unknown key 'fit.speed'"),
        ("name.first=x", "is not a section"),
        ("fit=3", "fit"),
    ],
)
def test_rejects_invalid_overrides(override, complaint):
    with pytest.raises(RecipeError, match=complaint):
        load_recipe("gowalla", [override])


def test_an_unknown_recipe_lists_the_built_in_recipes(tmp_path):
    with pytest.raises(RecipeError, match="gowalla"):
        load_recipe("gowala")
    with pytest.raises(RecipeError, match="no recipe"):
        load_recipe(tmp_path)


def test_rejects_text_that_is_not_utf8(tmp_path):
    path = tmp_path / "latin.toml"
    path.write_bytes(b"name = '\xe9'")
    with pytest.raises(RecipeError, match="UTF-8"):
        load_recipe(path)


def test_the_fingerprint_depends_on_values_and_not_on_spelling(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[fit]\nlearning_rate = 1e-1")
    first = load_recipe(path).sha256()
    path.write_text("# a comment\nfit.learning_rate = 0.1")
    assert load_recipe(path).sha256() == first
    path.write_text("fit.learning_rate = 0.2")
    assert load_recipe(path).sha256() != first
