"""cluster.yaml and its relatives as `ray up` reads them: valid, without secrets, and naming only what is there."""

import copy
import pathlib
import re

import pytest
import yaml
from ray.autoscaler._private.kuberay import autoscaling_config
from ray.autoscaler._private.util import prepare_config, validate_config

REPOSITORY = pathlib.Path(__file__).parent.parent.parent
LAUNCHED = ("cluster.yaml", "clusters/gcp.yaml", "clusters/onprem.yaml")
CLOUDS = LAUNCHED[:2]
TOKEN = "~/.ray/auth_token"
SECRET = re.compile(
    r"AKIA|BEGIN [A-Z ]*PRIVATE KEY|aws_secret|password *[:=]|(?<![0-9a-f])[0-9a-f]{32,}", re.IGNORECASE
)


def read(name):
    return yaml.safe_load((REPOSITORY / name).read_text())


def prepared(name):
    config = prepare_config(copy.deepcopy(read(name)))
    validate_config(config)
    return config


@pytest.fixture(params=LAUNCHED)
def launched(request):
    return read(request.param)


def commands(config):
    return "\n".join(line for key, lines in config.items() if key.endswith("_commands") for line in lines)


@pytest.mark.parametrize("name", LAUNCHED)
def test_ray_prepares_it_and_its_schema_holds(name):
    config = prepared(name)
    assert config["head_node_type"] in config["available_node_types"]


@pytest.mark.parametrize("name", CLOUDS)
def test_the_head_offers_no_slots_and_workers_come_from_none(name):
    kinds = read(name)["available_node_types"]
    assert kinds["head"]["resources"] == {"CPU": 0}
    assert kinds["head"]["max_workers"] == 0
    assert kinds["gpu_worker"]["resources"]["GPU"] == 1
    assert kinds["gpu_worker"]["min_workers"] == 0


def test_machines_of_both_clouds_get_what_setup_needs_before_all_else():
    first, other = (read(name)["initialization_commands"] for name in CLOUDS)
    assert first == other
    assert "ensurepip" in first[-1]
    assert first[-1].endswith("install python3-venv)")


def test_the_head_on_aws_stays_and_its_workers_are_spot_machines():
    head, worker = (
        read("cluster.yaml")["available_node_types"][kind]["node_config"] for kind in ("head", "gpu_worker")
    )
    assert "InstanceMarketOptions" not in head
    assert worker["InstanceMarketOptions"] == {"MarketType": "spot"}
    assert head["IamInstanceProfile"] == worker["IamInstanceProfile"]


def test_what_is_copied_is_there_and_is_all_that_the_commands_name(launched):
    mounts = launched["file_mounts"]
    for remote, local in mounts.items():
        assert local == TOKEN == remote or (REPOSITORY / local).exists(), local
    for named in re.findall(r"~/project/([\w./]+\w)", commands(launched)):
        assert (REPOSITORY / named).exists()
        assert any(named == local or named.startswith(f"{local}/") for local in mounts.values()), named
    assert mounts["~/project/requirements.lock"] == "requirements.lock"


def test_the_scripts_name_files_that_are_copied():
    mounts = read("cluster.yaml")["file_mounts"]
    named = set()
    for script in (REPOSITORY / "clusters").glob("*.sh"):
        named |= set(re.findall(r"(?:~|\$HOME)/project/([\w.]+\w)", script.read_text()))
    assert {"requirements.lock", "experiments"} <= named
    assert {f"~/project/{name}" for name in named} <= set(mounts)


def test_no_folder_in_the_home_hides_the_package(launched):
    # `ray submit` runs the script in the home folder, which then comes first on Python's path.
    tops = {remote.removeprefix("~/").split("/")[0] for remote in launched["file_mounts"]}
    assert "raysp" not in tops
    assert not tops & {path.name for path in (REPOSITORY / "experiments").iterdir()}


def test_nothing_excluded_belongs_to_the_package(launched):
    excluded = set(launched["rsync_exclude"])
    parts = {part for path in (REPOSITORY / "raysp").rglob("*.py") for part in path.relative_to(REPOSITORY).parts}
    assert not excluded & parts


def test_the_token_comes_as_a_file_and_every_shell_asks_for_it(launched):
    assert launched["file_mounts"][TOKEN] == TOKEN
    assert "chmod 600 ~/.ray/auth_token" in launched["setup_commands"][0]
    environment = (REPOSITORY / "clusters" / "environment.sh").read_text()
    assert "export RAY_AUTH_MODE=token" in environment
    assert "RAY_AUTH_TOKEN" not in commands(launched) + environment
    assert "clusters/environment.sh' >> ~/.bashrc" in commands(launched)


@pytest.mark.parametrize("path", [*sorted((REPOSITORY / "clusters").iterdir()), REPOSITORY / "cluster.yaml"])
def test_no_secret_stands_in_it(path):
    assert not SECRET.search(path.read_text())


def test_the_dashboard_and_mlflow_listen_on_loopback(launched):
    assert "--dashboard-host=127.0.0.1" in commands(launched)
    assert "0.0.0.0" not in commands(launched)
    assert "clusters/mlflow.sh" in "\n".join(launched["head_start_ray_commands"])
    script = (REPOSITORY / "clusters" / "mlflow.sh").read_text()
    assert "--host 127.0.0.1" in script


@pytest.mark.parametrize("name", LAUNCHED[1:])
def test_what_holds_on_every_machine_is_the_same_as_in_cluster_yaml(name):
    first, other = read("cluster.yaml"), read(name)
    assert other["file_mounts"] == first["file_mounts"]
    assert other["rsync_exclude"] == first["rsync_exclude"]
    assert other["setup_commands"][: len(first["setup_commands"])] == first["setup_commands"]
    for start in ("head_start_ray_commands", "worker_start_ray_commands"):
        assert other[start] == first[start]


def test_kuberay_is_what_rays_own_autoscaler_reads(monkeypatch):
    monkeypatch.setenv("RAY_CLUSTER_NAMESPACE", "default")
    cluster = read("clusters/kuberay.yaml")
    assert cluster["spec"]["authOptions"] == {"mode": "token"}
    config = autoscaling_config._derive_autoscaling_config_from_ray_cr(
        {**cluster, "metadata": {**cluster["metadata"], "namespace": "default"}}
    )
    validate_config(config)
    kinds = config["available_node_types"]
    assert kinds[config["head_node_type"]]["resources"]["CPU"] == 0
    assert kinds["gpu"]["resources"]["GPU"] == 1
    assert kinds["gpu"]["min_workers"] == 0
    assert kinds["gpu"]["max_workers"] == 8


def test_rays_own_preparation_on_aws_opens_ssh_alone_and_keeps_the_role(monkeypatch, tmp_path):
    moto = pytest.importorskip("moto", reason="moto plays AWS here: pip install 'moto[ec2,iam]' boto3")
    boto3 = pytest.importorskip("boto3")
    for name, value in {"HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}.items():
        monkeypatch.setenv(name, value)
    with moto.mock_aws():
        from ray.autoscaler._private.aws.node_provider import AWSNodeProvider

        config = AWSNodeProvider.fillout_available_node_types_resources(prepared("cluster.yaml"))
        config = AWSNodeProvider.bootstrap_config(config)
        client = boto3.client("ec2", region_name=config["provider"]["region"])
        head, worker = (config["available_node_types"][kind] for kind in ("head", "gpu_worker"))
        assert (head["resources"]["CPU"], worker["resources"]["CPU"], worker["resources"]["GPU"]) == (0, 4, 1)
        assert head["node_config"]["IamInstanceProfile"] == {"Name": "raysp"}
        groups = client.describe_security_groups(GroupIds=worker["node_config"]["SecurityGroupIds"])["SecurityGroups"]
        open_to_others = [rule for group in groups for rule in group["IpPermissions"] if rule["IpRanges"]]
        assert [(rule["FromPort"], rule["ToPort"]) for rule in open_to_others] == [(22, 22)]
