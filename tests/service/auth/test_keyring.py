import os
from pathlib import Path

import pytest

from bitrecall.service.auth.keyring import Keyring, Role, add_key, read_keys, remove_key
from bitrecall.service.errors import KeysError


def test_a_key_has_its_role_and_is_not_stored(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    secrets = {role: add_key(path, role, role.name) for role in Role}
    keyring = Keyring(read_keys(path))
    for role, secret in secrets.items():
        assert keyring.role_of(secret) == role
        assert secret not in path.read_text()
        assert keyring.role_of(secret + "x") is None
    assert keyring.role_of("") is None
    assert keyring.role_of("\udcff") is None
    assert len(set(secrets.values())) == len(Role)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_removed_key_has_no_role(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    removed, kept = add_key(path, Role.READ, "removed"), add_key(path, Role.READ, "stays")
    remove_key(path, "removed")
    keyring = Keyring(read_keys(path))
    assert (keyring.role_of(removed), keyring.role_of(kept)) == (None, Role.READ)
    with pytest.raises(KeysError, match="no key is called removed"):
        remove_key(path, "removed")


def test_reports_a_missing_file_with_the_command_that_makes_one(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    with pytest.raises(
        KeysError, match=r"the key file does not exist.*key new NAME --role ROLE --keys .*keys.txt"
    ):
        read_keys(path)


def test_keeps_other_lines_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    path.write_text("# ours\nnonsense\n")
    add_key(path, Role.READ, "shop")
    assert path.read_text().startswith("# ours\nnonsense\nread shop ")
    remove_key(path, "shop")
    assert path.read_text() == "# ours\nnonsense\n"


@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
def test_rejects_a_file_that_others_may_write_to(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys.txt"
    add_key(path, Role.READ, "shop")
    path.chmod(mode)
    for use in (
        lambda: read_keys(path),
        lambda: add_key(path, Role.READ, "other"),
        lambda: remove_key(path, "shop"),
    ):
        with pytest.raises(KeysError, match=f"mode {mode:o}.*chmod go-w"):
            use()


def test_rejects_a_pipe_without_blocking(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "keys.txt", 0o600)
    with pytest.raises(KeysError, match="regular file"):
        read_keys(tmp_path / "keys.txt")


def test_rejects_repeated_and_invalid_names(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    add_key(path, Role.READ, "shop")
    with pytest.raises(KeysError, match="a key called shop already exists"):
        add_key(path, Role.ADMIN, "shop")
    for name in ("", "two words", "a\nb", "x" * 65):
        with pytest.raises(KeysError, match="name"):
            add_key(path, Role.READ, name)
    assert len(read_keys(path)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "secret",
        "read shop",
        f"owner shop {'0' * 64}",
        f"read shop {'0' * 63}",
        f"read a b {'0' * 64}",
    ],
)
def test_reports_an_invalid_line_without_its_text(tmp_path: Path, line: str) -> None:
    path = tmp_path / "keys.txt"
    path.write_text(f"# ours\n\n{line}\n")
    with pytest.raises(KeysError, match="line 3") as caught:
        read_keys(path)
    assert line not in str(caught.value)


def test_errors_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match=r"nothing\.txt"):
        read_keys(tmp_path / "nothing.txt")
    with pytest.raises(KeysError, match="cannot be written"):
        add_key(tmp_path / "no" / "keys.txt", Role.READ, "shop")
    path = tmp_path / "keys.txt"
    path.write_text(f"read shop {'0' * 64}\nadmin shop {'1' * 64}\n")
    with pytest.raises(KeysError, match="line 2 repeats the key name shop"):
        read_keys(path)
