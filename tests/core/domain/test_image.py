"""Tests of public IDs, renditions and transformations of images."""

import pytest
from attrs import asdict, evolve

from eggypro_core.domain.image import (
    MAX_UPLOAD_BYTES,
    RENDITIONS,
    Crop,
    ImageFormat,
    StoredImage,
    Transformation,
    absolute_image_url,
    image_id_from,
    image_set,
    is_public_id,
    public_id_in,
    require_displayable,
)
from eggypro_core.errors import TooLargeError, ValidationError

STORED = StoredImage(
    public_id="eggypro-products/egg", width=1600, height=1000, format="jpg", size=1234
)


def image_url(public_id: str, transformation: Transformation | None) -> str:
    """Return a URL path in the syntax of Cloudinary."""
    if transformation is None:
        return public_id
    sides = [("w", transformation.width), ("h", transformation.height)]
    size = [f"{name}_{side}" for name, side in sides if side]
    quality, format_ = f"q_{transformation.quality}", f"f_{transformation.format}"
    return f"{','.join([f'c_{transformation.crop}', *size, quality, format_])}/{public_id}"


def test_image_set_has_every_rendition() -> None:
    assert asdict(image_set(STORED.public_id, image_url, alt="An egg", stored=STORED)) == {
        "public_id": "eggypro-products/egg",
        "original": "eggypro-products/egg",
        "optimized": "c_limit,w_800,q_80,f_auto/eggypro-products/egg",
        "thumbnail": "c_fill,w_400,h_400,q_auto,f_auto/eggypro-products/egg",
        "responsive": {
            "400w": "c_limit,w_400,q_auto,f_auto/eggypro-products/egg",
            "800w": "c_limit,w_800,q_auto,f_auto/eggypro-products/egg",
            "1200w": "c_limit,w_1200,q_auto,f_auto/eggypro-products/egg",
        },
        "width": 1600,
        "height": 1000,
        "format": "jpg",
        "size": 1234,
        "alt": "An egg",
    }
    assert list(RENDITIONS) == ["optimized", "thumbnail", "400w", "800w", "1200w"]


def test_external_image_has_the_same_url_in_every_size() -> None:
    ref = "https://cdn.example/egg.jpg"
    values = asdict(image_set(ref, image_url, alt="An egg"))
    numbers = ("width", "height", "format", "size")
    assert {values.pop(name) for name in ("public_id", *numbers)} == {None}
    assert values.pop("alt") == "An egg"
    assert {*values.pop("responsive").values(), *values.values()} == {ref}


@pytest.mark.parametrize("public_id", ["egg", "eggypro-products/a_b-3", "0/1/2", "a" * 200])
def test_valid_public_ids(public_id: str) -> None:
    assert is_public_id(public_id)


def test_public_id_in_joins_folder_and_name() -> None:
    assert public_id_in("eggs", "white") == "eggs/white"
    for folder, name in (("", "white"), ("eggs", ""), ("eggs", ".."), ("a" * 199, "b")):
        with pytest.raises(ValidationError, match=r"public_id: .* is not a public ID"):
            public_id_in(folder, name)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"width": 1},
        {"width": 10_000, "height": 10_000, "crop": "fill", "quality": 100, "format": "png"},
        {"height": 3, "quality": "auto", "format": "auto", "crop": "thumb"},
    ],
)
def test_transformation_is_parsed(values: dict[str, object]) -> None:
    parsed = asdict(Transformation.parse(values))
    assert {name: parsed[name] for name in values} == values


def test_transformation_defaults() -> None:
    assert asdict(Transformation.parse({"width": 5})) == {
        "width": 5,
        "height": None,
        "crop": Crop.LIMIT,
        "quality": "auto",
        "format": ImageFormat.AUTO,
    }


def test_all_errors_of_a_transformation_are_raised_at_once() -> None:
    values: dict[str, object] = {
        "width": 0,
        "height": "400/../x",
        "crop": "pad",
        "quality": 101,
        "format": "gif",
        "angle": 90,
    }
    with pytest.raises(ValidationError) as raised:
        Transformation.parse(values)
    assert [error.field for error in raised.value.errors] == list(values)
    for name, value in (("crop", "fill"), ("quality", 0), ("quality", True), ("width", 10_001)):
        with pytest.raises(ValidationError, match=f"{name}: "):
            Transformation.parse({name: value})


def test_displayable_images_meet_the_upload_limits() -> None:
    require_displayable(STORED)
    require_displayable(evolve(STORED, size=MAX_UPLOAD_BYTES, width=8000, height=5000))
    with pytest.raises(TooLargeError, match="File size exceeds 10MB limit"):
        require_displayable(evolve(STORED, size=MAX_UPLOAD_BYTES + 1))
    with pytest.raises(ValidationError, match=r"file: Invalid file type. Only JPEG, PNG, and WebP"):
        require_displayable(evolve(STORED, format="gif"))
    with pytest.raises(ValidationError, match=r"file: .* 40 megapixels"):
        require_displayable(evolve(STORED, width=8001, height=5000))


IMAGE_ID = "eggypro-products/egg"


def local_image_url(public_id: str, transformation: Transformation | None) -> str:
    return f"/images/{public_id}/{'original' if transformation is None else transformation.width}"


@pytest.mark.parametrize(
    ("text", "public_id"),
    [
        ("eggypro-products/egg", "eggypro-products/egg"),
        ("/images/eggypro-products/egg/original", "eggypro-products/egg"),
        ("/images/eggypro-products/egg/800", "eggypro-products/egg"),
        ("/images/eggypro-products/egg/801", None),
        ("/images/eggypro-products/egg", None),
        ("https://x.example/images/eggypro-products/egg/original", None),
        ("eggypro-products/egg/", None),
        ("eggypro-products/egg.jpg", None),
        ("eggypro-products/-egg", None),
        ("eggypro-products/", None),
        ("eggypro-products/" + "a" * 400, None),
        ("egg", None),
        ("", None),
    ],
)
def test_image_id_from_accepts_own_ids_and_urls(text: str, public_id: str | None) -> None:
    assert image_id_from(text, local_image_url) == public_id


def test_local_image_urls_are_below_the_public_url() -> None:
    build = absolute_image_url(local_image_url, "https://shop.example")
    assert build(IMAGE_ID, None) == f"https://shop.example{local_image_url(IMAGE_ID, None)}"
    assert absolute_image_url(local_image_url, None) is local_image_url
    assert absolute_image_url(lambda *_: "https://cdn.example/1", "https://shop.example")(
        IMAGE_ID, None
    ) == ("https://cdn.example/1")


@pytest.mark.parametrize(
    ("start", "is_own"),
    [
        ("https://shop.example", True),
        ("http://shop.example", True),
        ("", True),
        ("https://other.example", False),
        ("ftp://shop.example", False),
        ("https://shop.example/more", False),
    ],
)
def test_image_id_from_accepts_absolute_urls_and_paths(start: str, *, is_own: bool) -> None:
    build = absolute_image_url(local_image_url, "https://shop.example")
    text = f"{start}{local_image_url(IMAGE_ID, None)}"
    assert image_id_from(text, build) == (IMAGE_ID if is_own else None)
