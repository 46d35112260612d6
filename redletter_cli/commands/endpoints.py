"""`redletter endpoints`: where webhooks go."""

from contextlib import closing
from typing import Annotated

import typer
from redletter.delivery.v1 import endpoint_service_pb2

from redletter_cli.commands.options import ApiKey, Config, Limit, Output, OutputFormat, duration
from redletter_cli.commands.session import connect, documents, pages, say, show_list, show_one
from redletter_cli.render.document import document

endpoints = typer.Typer(help="Where webhooks go.", no_args_is_help=True, add_completion=False)

_LONGEST_ATTEMPT = "60s"
_COLUMNS = {
    "ENDPOINT": "endpoint_id",
    "URL": "url",
    "STATE": "state",
    "TIMEOUT": "timeout",
    "DESCRIPTION": "description",
}


@endpoints.command()
def create(
    url: Annotated[str, typer.Argument(help="Absolute URL; https, or http where the deployment allows it.")],
    *,
    endpoint_id: Annotated[str, typer.Option("--id", help="Its name. Default: one made by the server.")] = "",
    description: Annotated[str, typer.Option(help="What people call it.")] = "",
    timeout: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Longest attempt, 1s to 60s. Default: 15s.")
    ] = None,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Create an endpoint; its signing secret is shown now and never again."""
    request = endpoint_service_pb2.CreateEndpointRequest(
        endpoint_id=endpoint_id, url=url, description=description
    )
    if timeout is not None:
        request.timeout.FromTimedelta(duration(timeout, "--timeout", at_most=_LONGEST_ATTEMPT))
    with closing(connect(config, api_key)) as client:
        answer = client.endpoints.CreateEndpoint(request)
    show_one(output, document(answer))
    if output is OutputFormat.TABLE:
        say("keep the secret: it is not shown again")


@endpoints.command("list")
def list_endpoints(
    *, limit: Limit = 100, output: Output = OutputFormat.TABLE, config: Config = None, api_key: ApiKey = None
) -> None:
    """List endpoints in the order of their ids."""
    with closing(connect(config, api_key)) as client:
        found, more = pages(
            lambda size, token: client.endpoints.ListEndpoints(
                endpoint_service_pb2.ListEndpointsRequest(page_size=size, page_token=token)
            ),
            lambda page: page.endpoints,
            limit,
        )
    show_list(output, _COLUMNS, documents(found), more=more)


@endpoints.command()
def get(
    endpoint_id: Annotated[str, typer.Argument(metavar="ENDPOINT", help="Its name.")],
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Show one endpoint, without its secret."""
    with closing(connect(config, api_key)) as client:
        answer = client.endpoints.GetEndpoint(
            endpoint_service_pb2.GetEndpointRequest(endpoint_id=endpoint_id)
        )
    show_one(output, document(answer.endpoint))
