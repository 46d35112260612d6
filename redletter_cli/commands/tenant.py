"""`redletter tenant`: the caller's own tenant and its defaults."""

from contextlib import closing
from typing import Annotated

import typer
from google.protobuf.field_mask_pb2 import FieldMask
from redletter.common.v1 import leap_day_rule_pb2
from redletter.user.v1 import tenant_pb2, tenant_service_pb2

from redletter_cli.commands.options import ApiKey, Config, Output, OutputFormat, enum_value, known_zone
from redletter_cli.commands.session import connect, show_one
from redletter_cli.render.document import document

tenant = typer.Typer(help="Your tenant and its defaults.", no_args_is_help=True, add_completion=False)


@tenant.command()
def get(*, output: Output = OutputFormat.TABLE, config: Config = None, api_key: ApiKey = None) -> None:
    """Show the tenant of the API key."""
    with closing(connect(config, api_key)) as client:
        answer = client.tenants.GetTenant(tenant_service_pb2.GetTenantRequest())
    show_one(output, document(answer.tenant))


@tenant.command()
def update(
    *,
    name: Annotated[str | None, typer.Option(help="Unique in the deployment.")] = None,
    time_zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Proposed where nobody says one for a person.")
    ] = None,
    locale: Annotated[
        str | None, typer.Option(help="BCP 47 tag for people without one, for example pt-BR.")
    ] = None,
    leap_day_rule: Annotated[
        str | None,
        typer.Option(help="29 February in other years: backward (28 Feb), forward (1 Mar) or omit."),
    ] = None,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Change what is given and nothing else; people and dates without their own follow."""
    given = {"name": name, "time_zone": time_zone, "locale": locale, "leap_day_rule": leap_day_rule}
    paths = [field for field, value in given.items() if value is not None]
    if not paths:
        raise typer.BadParameter("nothing to change; give at least one option, for example --locale pt-BR")
    changed = tenant_pb2.Tenant(name=name or "", locale=locale or "")
    if time_zone is not None:
        changed.time_zone = known_zone(time_zone, "--time-zone")
    if leap_day_rule is not None:
        changed.leap_day_rule = enum_value(
            leap_day_rule_pb2.LeapDayRule.DESCRIPTOR, leap_day_rule, "--leap-day-rule"
        )
    with closing(connect(config, api_key)) as client:
        answer = client.tenants.UpdateTenant(
            tenant_service_pb2.UpdateTenantRequest(tenant=changed, update_mask=FieldMask(paths=paths))
        )
    show_one(output, document(answer.tenant))
