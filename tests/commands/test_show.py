"""keyctl show."""

from tests.support.stores import make_account
from tests.support.world import World


def test_shows_what_is_known_and_only_the_mask_of_the_key(world: World) -> None:
    world.app().accounts.add(make_account("a", uid="7", groups=("desk", "eu")))
    lines = world.keyctl("show", "a").stdout.splitlines()
    assert "api key\tabcd..wxyz" in lines and "groups\tdesk, eu" in lines and "uid\t7" in lines
    assert world.keyctl("show", "a", "--json").data["account"]["uid"] == "7"


def test_an_unknown_label_gets_the_nearest_one(world: World) -> None:
    world.app().accounts.add(make_account("okx-main"))
    ran = world.keyctl("show", "okx-mian", "--json")
    (error,) = ran.document["errors"]
    assert (ran.exit_code, error["code"], error["hints"]) == (3, "unknown_account", ["did you mean okx-main?"])
