"""Lists as exchanges take them: what is odd is named, what is typed has each exchange's form, differences are exact."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyctl.exchanges.shipped import names, profile
from keyctl.verify.ip_lists import covers, difference, open_entry, read_entry, remarks, split_entries, written

# Public addresses, since those of manuals are named as such.
ONE, TWO, THREE = "8.8.4.4", "9.9.9.9", "1.1.1.1"
MANY = tuple(f"8.8.{number // 200}.{number % 200 + 1}" for number in range(40))
LIMITS = {"binance": 30, "bitfinex": 20, "lbank": 4, "okx": 20}
FORMS = {
    "binance": ("8.8.4.4,9.9.9.9",),
    "bitfinex": ("8.8.4.4", "9.9.9.9"),
    "lbank": ("8.8.4.4,9.9.9.9",),
    "okx": ("8.8.4.4,9.9.9.9",),
}


def texts(exchange: str, *entries: str, loopback: bool = False) -> list[tuple[str, bool]]:
    return [(remark.text, remark.wrong) for remark in remarks(entries, profile(exchange), loopback=loopback)]


def test_these_tables_are_about_every_exchange() -> None:
    assert set(LIMITS) == set(FORMS) == set(names())


@pytest.mark.parametrize("exchange", LIMITS)
def test_a_list_is_taken_up_to_the_exchanges_limit(exchange: str) -> None:
    limit = LIMITS[exchange]
    assert texts(exchange, *MANY[:limit]) == []
    [(text, wrong)] = texts(exchange, *MANY[: limit + 1])
    assert wrong and f"at most {limit}" in text


@pytest.mark.parametrize("exchange", FORMS)
def test_what_is_typed_has_the_exchanges_own_form_and_the_order_given(exchange: str) -> None:
    facts = profile(exchange).ip_list
    assert written((ONE, TWO), facts) == FORMS[exchange]
    assert written((TWO, ONE), facts) != FORMS[exchange]
    assert written((), facts) == ()


@pytest.mark.parametrize("exchange", LIMITS)
@pytest.mark.parametrize(
    "entry",
    ["10.0.0.1", "192.168.1.0/24", "172.16.0.1", "127.0.0.1", "169.254.1.1", "100.64.0.1", "224.0.0.1", "203.0.113.7",
     "fe80::1", "fd00::1", "::1", "2001:db8::1", "0.0.0.0", "240.0.0.1"],
)  # fmt: skip
def test_an_address_that_no_exchange_sees_is_named(exchange: str, entry: str) -> None:
    assert any(wrong for _, wrong in texts(exchange, entry))


def test_an_exchange_on_this_machine_sees_private_addresses() -> None:
    assert texts("okx", "127.0.0.1", loopback=True) == []
    assert any(wrong for _, wrong in texts("okx", "0.0.0.0/0", loopback=True))


def test_ranges_are_told_where_they_are_refused_and_where_nobody_knows() -> None:
    assert texts("okx", "8.8.8.0/24") == []
    assert texts("binance", "8.8.8.0/24") == [("8.8.8.0/24: Binance does not accept ranges", True)]
    [(text, wrong)] = texts("lbank", "8.8.8.0/24")
    assert "does not document" in text and not wrong


def test_ipv6_is_told_where_nobody_knows() -> None:
    address = "2606:4700:4700::1111"
    assert texts("okx", address) == []
    for exchange in ("binance", "bitfinex", "lbank"):
        [(text, wrong)] = texts(exchange, address)
        assert "IPv6" in text and not wrong


def test_doubles_and_overlaps_are_named() -> None:
    assert texts("okx", ONE, ONE) == [(f"{ONE} is listed twice", True)]
    assert texts("okx", "8.8.4.0/24", ONE) == [(f"{ONE} and 8.8.4.0/24 overlap", False)]
    assert texts("okx", "2606:4700::/32", ONE) == []


@pytest.mark.parametrize("entry", ["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "8000::/1", "8.0.0.0/7", "0.0.0.0"])
def test_an_open_list_is_recognised(entry: str) -> None:
    assert open_entry((ONE, entry)) == entry
    assert open_entry((ONE, "8.0.0.0/8", "not an address")) == ""


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("8.8.4.4", "8.8.4.4"),
        ("8.8.4.4/32", "8.8.4.4"),
        ("8.8.4.0/255.255.255.0", "8.8.4.0/24"),
        ("2606:4700:0:0:0:0:0:1", "2606:4700::1"),
        ("2606:4700::/32", "2606:4700::/32"),
    ],
)
def test_an_entry_is_written_in_one_form(text: str, entry: str) -> None:
    assert read_entry(text) == entry


@pytest.mark.parametrize(
    "text",
    ["", "localhost", "8.8.4", "8.8.4.4.4", "8.8.4.04", "8.8.4.256", "8.8.4.4/33", "8.8.4.4/24", "8.8.4.4 ", "８.8.4.4",
     "8.8.4.4-9", "*", "8.8.4.*", "8.8.4.4/-1", "http://8.8.4.4", "2606:4700::1%eth0/64"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_entry(text)


def test_entries_may_be_given_in_one_word_or_in_several() -> None:
    assert split_entries((f"{ONE},{TWO}", f" {THREE} ")) == (ONE, TWO, THREE)


def test_differences_are_of_networks_and_not_of_texts() -> None:
    found = difference((ONE, "8.8.8.0/24", "2606:4700::1"), ("2606:4700:0::1", "9.9.9.9", "8.8.8.0/24"))
    assert (found.add, found.remove) == ((ONE,), ("9.9.9.9",))
    assert difference((), ("gibberish",)).remove == ("gibberish",)


addresses = st.integers(0, 2**32 - 1).map(lambda number: str(ipaddress.ip_address(number)))
lists = st.lists(addresses, max_size=6).map(lambda items: tuple(dict.fromkeys(items)))


@given(wanted=lists, told=lists)
def test_a_told_list_with_the_difference_applied_is_the_wanted_one(
    wanted: tuple[str, ...], told: tuple[str, ...]
) -> None:
    change = difference(wanted, told)
    assert {*told, *change.add} - {*change.remove} == {*wanted}
    assert difference(wanted, wanted).add == difference(wanted, wanted).remove == ()


@given(entries=lists, address=addresses)
def test_a_list_takes_exactly_its_own_addresses(entries: tuple[str, ...], address: str) -> None:
    assert covers(entries, address) is (address in entries)
    assert covers((*entries, f"{address}/32"), address)
    assert not covers(("rubbish", *(entry for entry in entries if entry != address)), address)
