"""This repository's parameters, without the experiments that someone has added to the study's."""

from repository import REPOSITORY

from preference.runtime.yaml_file import read_yaml, write_yaml

STUDY = ["baseline", "exp1", "exp2", "exp3"]


def write_study_params(folder):
    """Write params.yaml with the four experiments of the study, and return the folder."""
    params = read_yaml(REPOSITORY / "params.yaml")
    params["experiments"] = {name: params["experiments"][name] for name in STUDY}
    write_yaml(folder / "params.yaml", params)
    return folder
