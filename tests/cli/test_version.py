import kglm as package


def test_version_needs_no_command(kglm):
    outcome = kglm("--version")
    assert (outcome.code, outcome.out.strip()) == (0, f"kglm {package.__version__}")
