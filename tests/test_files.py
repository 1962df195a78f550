"""Files are written whole or not at all."""

import os

import pytest

from fastinfo.system.files import written_whole


def test_the_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "answer"
    with written_whole(path) as file:
        file.write(b"42")
        assert not path.exists()
    assert path.read_bytes() == b"42"
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_file_stays_when_the_block_fails(tmp_path):
    path = tmp_path / "answer"
    path.write_bytes(b"old")

    def interrupted():
        with written_whole(path) as file:
            file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_are_those_of_open_or_of_the_file_before(tmp_path):
    fresh, opened = tmp_path / "fresh", tmp_path / "opened"
    opened.touch()
    with written_whole(fresh):
        pass
    assert fresh.stat().st_mode == opened.stat().st_mode
    os.chmod(opened, 0o640)
    with written_whole(opened):
        pass
    assert opened.stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    with written_whole(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("place", [".", "nowhere/answer", os.devnull])
def test_where_no_file_can_be_an_error_says_so(tmp_path, place):
    with (
        pytest.raises(OSError, match=r"regular file|No such file"),
        written_whole(tmp_path / place),
    ):
        pass
    assert os.path.exists(os.devnull)
    assert list(tmp_path.iterdir()) == []
