"""Text as references, and tags as they are."""

import pytest

from server.dialects.google.escaping import escape_text


@pytest.mark.parametrize(
    ("html", "escaped"),
    [
        ("", ""),
        ('It\'s "it"', "It&#39;s &quot;it&quot;"),
        ("a < b > c & d", "a &lt; b &gt; c &amp; d"),
        ("a &amp; b&nbsp;&#39;c&#x27;", "a &amp; b&nbsp;&#39;c&#x27;"),
        ("AT&T; R&D", "AT&T; R&amp;D"),
        ("<a title=\"it's > 1\">it's</a>", '<a title="it\'s > 1">it&#39;s</a>'),
        ("<!-- it's -->'<br/>", "<!-- it's -->&#39;<br/>"),
        ("<script>a('b')</script>'", "<script>a('b')</script>&#39;"),
    ],
)
def test_escaped(html: str, escaped: str) -> None:
    assert escape_text(html) == escaped
    assert escape_text(escaped) == escaped, "once is enough"
