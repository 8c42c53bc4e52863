"""The wheel that `make test` built: what it holds, and that it is what runs."""

import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import fastmask

ROOT = Path(__file__).parents[2]
# What is downloaded: the compiled part, which only a change of Rust can enlarge, and all of it.
LIMIT_COMPILED = 2_700_000
LIMIT_BYTES = 3_200_000


@pytest.fixture(scope="module")
def wheel():
    found = sorted((ROOT / "dist").glob("fastmask-*.whl"))
    if not found:
        pytest.skip("no wheel in dist/: `make test` builds one")
    assert len(found) == 1, f"old wheels lie about in dist/: {found}"
    with zipfile.ZipFile(found[0]) as archive:
        yield archive


def test_tests_run_from_an_installed_wheel(wheel):
    assert Path(fastmask.__file__).parent.parent.name == "site-packages"


def test_every_kernel_is_in_it_as_a_real_file(wheel):
    kernels = sorted((ROOT / "kernels").glob("*.py"))
    assert kernels
    for path in kernels:
        assert wheel.read(f"fastmask/kernels/{path.name}") == path.read_bytes()


def test_nothing_is_installed_beside_the_package(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"fastmask"}


def test_every_python_file_is_in_it(wheel):
    package = ROOT / "python" / "fastmask"
    files = [*package.rglob("*.py"), package / "py.typed", package / "_rust.pyi"]
    names = set(wheel.namelist())
    assert [path for path in files if path.relative_to(package.parent).as_posix() not in names] == []
    assert len([name for name in names if name.endswith((".so", ".pyd"))]) == 1


def test_size_and_metadata(wheel):
    compiled = [info for info in wheel.infolist() if info.filename.endswith((".so", ".pyd"))]
    assert sum(info.compress_size for info in compiled) < LIMIT_COMPILED
    assert Path(wheel.filename).stat().st_size < LIMIT_BYTES
    assert "-cp310-abi3-" in wheel.filename
    folder = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(wheel.read(folder).decode())
    assert [need for need in metadata.get_all("Requires-Dist") if "extra ==" not in need] == ["numpy>=1.24"]
    assert metadata["License-Expression"] == "Apache-2.0"
    assert "# fastmask" in metadata.get_payload()
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_the_source_distribution_is_whole(tmp_path):
    maturin = Path(sys.executable).with_name("maturin")
    if not maturin.exists():
        pytest.skip("maturin is not installed")
    subprocess.run([maturin, "sdist", "--out", tmp_path], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        members = {member.name.split("/", 1)[1]: member for member in archive}
    for name in ("README.md", "LICENSE", "Cargo.lock", "pyproject.toml", "rust/core/src/lib.rs"):
        assert name in members
    for path in (ROOT / "kernels").glob("*.py"):
        assert members[f"python/fastmask/kernels/{path.name}"].size == path.stat().st_size


def test_the_command_is_declared(wheel):
    points = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "fastmask=fastmask.cli:main" in wheel.read(points).decode().replace(" ", "")
