"""What S3 does and moto does not, as a layer of the hostile proxy: tags at create, and versions that keep a bucket.

Written after the S3 API reference. Not checked: policies, how long anything takes.
"""

import urllib.parse
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from tests.fakes.hostile import Answer, Forward, Request


class Objects:
    """See the module."""

    def __init__(self, client: Callable[[], Any]) -> None:
        """Args: client: Gives a boto3 client of S3, straight to the server."""
        self._client = client

    def __call__(self, request: Request, forward: Forward) -> Answer:
        """Refuse or forward, and set the tags."""
        bucket = urllib.parse.urlsplit(request.path).path.strip("/")
        if request.service == "s3" and request.action == "DeleteBucket":
            client = self._client()
            try:
                versions = client.list_object_versions(Bucket=bucket)
            except client.exceptions.NoSuchBucket:
                return forward(request)
            if versions.get("Versions") or versions.get("DeleteMarkers"):
                said = "<Error><Code>BucketNotEmpty</Code><Message>The bucket is not empty</Message></Error>"
                return Answer(409, said.encode(), {"Content-Type": "application/xml"})
        answer = forward(request)
        if request.service == "s3" and request.action == "CreateBucket" and answer.status == 200 and request.body:
            pairs = ET.fromstring(request.body).findall(".//{*}Tag")
            tags = [{"Key": pair.findtext("{*}Key"), "Value": pair.findtext("{*}Value")} for pair in pairs]
            self._client().put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
        return answer
