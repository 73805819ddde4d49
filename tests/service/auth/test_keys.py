import os
from pathlib import Path

import pytest

from bitrecall.service.auth.keys import Keyring, Role, add_key, read_keys, remove_key
from bitrecall.service.errors import KeysError


def test_a_key_has_the_role_it_was_made_with_and_is_kept_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    made = {role: add_key(path, role, role.name) for role in Role}
    keyring = Keyring(read_keys(path))
    for role, secret in made.items():
        assert keyring.role_of(secret) == role
        assert secret not in path.read_text()
        assert keyring.role_of(secret + "x") is None
    assert keyring.role_of("") is None
    assert keyring.role_of("\udcff") is None
    assert len(set(made.values())) == len(Role)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_removed_key_is_none(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    gone, stays = add_key(path, Role.READ, "gone"), add_key(path, Role.READ, "stays")
    remove_key(path, "gone")
    keyring = Keyring(read_keys(path))
    assert (keyring.role_of(gone), keyring.role_of(stays)) == (None, Role.READ)
    with pytest.raises(KeysError, match="no key called gone"):
        remove_key(path, "gone")


def test_a_file_that_is_not_there_is_told_with_the_command_that_makes_one(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    with pytest.raises(
        KeysError, match=r"no such key file.*key new NAME --role ROLE --keys .*keys.txt"
    ):
        read_keys(path)


def test_lines_that_are_none_of_a_command_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    path.write_text("# ours\nnonsense\n")
    add_key(path, Role.READ, "shop")
    assert path.read_text().startswith("# ours\nnonsense\nread shop ")
    remove_key(path, "shop")
    assert path.read_text() == "# ours\nnonsense\n"


@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
def test_a_file_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
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


def test_a_pipe_in_place_of_the_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "keys.txt", 0o600)
    with pytest.raises(KeysError, match="regular file"):
        read_keys(tmp_path / "keys.txt")


def test_a_name_is_given_once_and_is_plain(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    add_key(path, Role.READ, "shop")
    with pytest.raises(KeysError, match="a key called shop already"):
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
def test_a_line_that_is_no_key_is_named_but_not_shown(tmp_path: Path, line: str) -> None:
    path = tmp_path / "keys.txt"
    path.write_text(f"# ours\n\n{line}\n")
    with pytest.raises(KeysError, match="line 3") as caught:
        read_keys(path)
    assert line not in str(caught.value)


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match=r"nothing\.txt"):
        read_keys(tmp_path / "nothing.txt")
    with pytest.raises(KeysError, match="cannot be written"):
        add_key(tmp_path / "no" / "keys.txt", Role.READ, "shop")
    path = tmp_path / "keys.txt"
    path.write_text(f"read shop {'0' * 64}\nadmin shop {'1' * 64}\n")
    with pytest.raises(KeysError, match="line 2 is a second key called shop"):
        read_keys(path)
