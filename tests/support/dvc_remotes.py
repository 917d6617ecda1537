"""Remotes of DVC on this machine: address, further settings, and the environment of a command."""

import os
from contextlib import contextmanager
from unittest.mock import patch

import boto3
from local_server import environment_without
from moto.server import ThreadedMotoServer
from pipeline_runs import ENVIRONMENT

KEYS = {"AWS_ACCESS_KEY_ID": "user", "AWS_SECRET_ACCESS_KEY": "secret"}


@contextmanager
def folder_remote(folder):
    """A folder, which needs no further settings."""
    yield str(folder / "store"), {}, ENVIRONMENT


@contextmanager
def s3_remote(folder):
    """A bucket of a server that runs within the block."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    credentials = {name.lower(): value for name, value in KEYS.items()}
    without_account = environment_without("AWS_")
    with patch.dict(os.environ, without_account, clear=True):
        client = boto3.client("s3", region_name="us-east-1", endpoint_url=endpoint, **credentials)
        client.create_bucket(Bucket="battles")
    environment = without_account | {"PATH": ENVIRONMENT["PATH"]} | KEYS
    try:
        yield "s3://battles/store", {"endpointurl": endpoint}, environment
    finally:
        server.stop()
