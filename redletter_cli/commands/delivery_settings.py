"""`redletter delivery-settings`: what a tenant decides about all of its deliveries."""

from contextlib import closing
from typing import Annotated

import typer
from google.protobuf.field_mask_pb2 import FieldMask
from redletter.delivery.v1 import delivery_settings_pb2, delivery_settings_service_pb2

from redletter_cli.commands.options import ApiKey, Config, Output, OutputFormat, enum_value
from redletter_cli.commands.session import connect, show_one
from redletter_cli.render.document import document

delivery_settings = typer.Typer(
    help="What you decide about all of your deliveries.", no_args_is_help=True, add_completion=False
)


@delivery_settings.command()
def show(*, output: Output = OutputFormat.TABLE, config: Config = None, api_key: ApiKey = None) -> None:
    """Show the settings."""
    with closing(connect(config, api_key)) as client:
        answer = client.delivery_settings.GetDeliverySettings(
            delivery_settings_service_pb2.GetDeliverySettingsRequest()
        )
    show_one(output, document(answer.delivery_settings))


@delivery_settings.command("set")
def set_settings(
    *,
    inbox: Annotated[
        str | None,
        typer.Option(help="What the inbox holds: unreceived (what no endpoint wanted or received), or all."),
    ] = None,
    retention_days: Annotated[
        int | None,
        typer.Option(
            min=0, help="Days that messages are kept after their date, 45 to 3650; 0: the deployment's."
        ),
    ] = None,
    etag: Annotated[str, typer.Option(help="Only if the settings still have this etag.")] = "",
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Change what is given and nothing else; it holds for what is accepted from then on."""
    given = {"inbox_mode": inbox, "retention_days": retention_days}
    paths = [field for field, value in given.items() if value is not None]
    if not paths:
        raise typer.BadParameter("nothing to change; give at least one option, for example --inbox all")
    changed = delivery_settings_pb2.DeliverySettings(retention_days=retention_days or 0, etag=etag)
    if inbox is not None:
        changed.inbox_mode = enum_value(
            delivery_settings_pb2.DeliverySettings.InboxMode.DESCRIPTOR, inbox, "--inbox"
        )
    with closing(connect(config, api_key)) as client:
        answer = client.delivery_settings.UpdateDeliverySettings(
            delivery_settings_service_pb2.UpdateDeliverySettingsRequest(
                delivery_settings=changed, update_mask=FieldMask(paths=paths)
            )
        )
    show_one(output, document(answer.delivery_settings))
