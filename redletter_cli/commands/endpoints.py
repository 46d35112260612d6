"""`redletter endpoints`: where webhooks go."""

from contextlib import closing
from typing import Annotated

import typer
from google.protobuf.field_mask_pb2 import FieldMask
from redletter.delivery.v1 import endpoint_pb2, endpoint_service_pb2

from redletter_cli.commands.endpoint_breakers import breaker
from redletter_cli.commands.endpoint_fields import EndpointOptions, set_fields
from redletter_cli.commands.endpoint_secrets import (
    expire_secret,
    public_key,
    rotate_secret,
    secrets,
    send_test,
)
from redletter_cli.commands.groups import taking
from redletter_cli.commands.options import ApiKey, Config, Limit, Output, OutputFormat
from redletter_cli.commands.session import connect, documents, pages, say, show_list, show_one
from redletter_cli.render.document import document

endpoints = typer.Typer(help="Where webhooks go.", no_args_is_help=True, add_completion=False)

_COLUMNS = {
    "ENDPOINT": "endpoint_id",
    "URL": "url",
    "STATE": "state",
    "WHY": "disable_reason",
    "EVENT TYPES": "event_type_filters",
    "TIMEOUT": "timeout",
    "DESCRIPTION": "description",
}

EndpointId = Annotated[str, typer.Argument(metavar="ENDPOINT", help="Its name.")]
Etag = Annotated[
    str, typer.Option(metavar="ETAG", help="Only if it still has this etag, as `endpoints get` shows it.")
]


@endpoints.command()
@taking(EndpointOptions, "options")
def create(
    url: Annotated[str, typer.Argument(help="Absolute URL; https, or http where the deployment allows it.")],
    *,
    endpoint_id: Annotated[str, typer.Option("--id", help="Its name. Default: one made by the server.")] = "",
    options: EndpointOptions,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Create an endpoint; its signing secret is shown now and never again."""
    request = endpoint_service_pb2.CreateEndpointRequest(endpoint_id=endpoint_id, url=url)
    set_fields(request, options)
    with closing(connect(config, api_key)) as client:
        answer = client.endpoints.CreateEndpoint(request)
    show_one(output, document(answer))
    if output is OutputFormat.TABLE:
        say("keep the secret: it is not shown again")


@endpoints.command()
@taking(EndpointOptions, "options")
def update(
    endpoint_id: EndpointId,
    *,
    url: Annotated[str | None, typer.Option(help="Where messages go from now on.")] = None,
    etag: Etag = "",
    options: EndpointOptions,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Change what is given and nothing else; every replica follows within a second."""
    changed = endpoint_pb2.Endpoint(endpoint_id=endpoint_id, url=url or "", etag=etag)
    paths = set_fields(changed, options) + (["url"] if url is not None else [])
    if not paths:
        raise typer.BadParameter("nothing to change; give at least one option, for example --timeout 5s")
    with closing(connect(config, api_key)) as client:
        answer = client.endpoints.UpdateEndpoint(
            endpoint_service_pb2.UpdateEndpointRequest(endpoint=changed, update_mask=FieldMask(paths=paths))
        )
    show_one(output, document(answer.endpoint))


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
    endpoint_id: EndpointId,
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


@endpoints.command()
def delete(
    endpoint_id: EndpointId, *, etag: Etag = "", config: Config = None, api_key: ApiKey = None
) -> None:
    """Delete an endpoint and its secrets; what waits for it ends as dead and goes to the inbox."""
    with closing(connect(config, api_key)) as client:
        client.endpoints.DeleteEndpoint(
            endpoint_service_pb2.DeleteEndpointRequest(endpoint_id=endpoint_id, etag=etag)
        )
    say(f"endpoint {endpoint_id} is deleted")


@endpoints.command()
def enable(
    endpoint_id: EndpointId,
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Send messages to it again, those accepted from now on."""
    with closing(connect(config, api_key)) as client:
        answer = client.endpoints.EnableEndpoint(
            endpoint_service_pb2.EnableEndpointRequest(endpoint_id=endpoint_id)
        )
    show_one(output, document(answer.endpoint))


@endpoints.command()
def disable(
    endpoint_id: EndpointId,
    *,
    note: Annotated[str, typer.Option(help="Why, in words; at most 200 characters.")] = "",
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Send it no more messages; what waits for it ends as dead and can be redelivered."""
    with closing(connect(config, api_key)) as client:
        answer = client.endpoints.DisableEndpoint(
            endpoint_service_pb2.DisableEndpointRequest(endpoint_id=endpoint_id, note=note)
        )
    show_one(output, document(answer.endpoint))


endpoints.add_typer(breaker, name="breaker")
endpoints.command("rotate-secret")(rotate_secret)
endpoints.command()(secrets)
endpoints.command("public-key")(public_key)
endpoints.command("expire-secret")(expire_secret)
endpoints.command("test")(send_test)
