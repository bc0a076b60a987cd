"""What a video says about its origin, to people and to machines: it was made by an AI."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Mapping

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's term for media made by a trained model (IPTC NewsCodes, Digital Source Type)."""
_XMP_BOX = uuid.UUID("BE7ACFCB-97A9-42E8-9C71-999491E3AFAC")
"""Marks a top-level box that holds XMP (XMP Specification Part 3, ISO base media files)."""
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 Iptc4xmpExt:DigitalSourceType="{source}"/>
</rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


def marked(metadata: Mapping[str, str], webm: bool) -> dict[str, str]:
    """The tags of a file: `metadata`, and next to a comment of its own that the video is AI-generated.

    MP4 has a fixed set of names, so there it is said in `comment`, `description` and `keywords`; WebM takes any.
    """
    notice = f"AI-generated: yes. Digital source type: {SOURCE_TYPE}"
    own = metadata.get("comment")
    tags = {
        **metadata,
        "comment": f"{notice}. {own}" if own else notice,
        "description": metadata.get("description", "A talking face made by an AI (Visavis); AI-generated: yes"),
        "keywords": "AI-generated, trainedAlgorithmicMedia",
    }
    return tags | {"AI_GENERATED": "yes", "DIGITAL_SOURCE_TYPE": SOURCE_TYPE} if webm else tags


def xmp_box() -> bytes:
    """A box that says the same in XMP, where IPTC's standard wants it; to be put at the end of an MP4 file."""
    packet = _XMP.format(source=SOURCE_TYPE).encode()
    return struct.pack(">I4s", 8 + 16 + len(packet), b"uuid") + _XMP_BOX.bytes + packet
