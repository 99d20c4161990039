"""Every sentence the validator can say, in English and Vietnamese, with its FHIR issue code.

FHIR R4 valueset-issue-type.html.  The key is the stable name that support staff and machines may rely on: it
stands as Issue.problem.  A severity other than error is given where FHIR itself only recommends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hsba.fhir.problems import Severity


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence with places for what was found, in both languages."""

    code: str
    en: str
    vi: str
    severity: Severity = "error"


_M = Message

MESSAGES: Final[dict[str, Message]] = {
    # The shape of JSON (json.html)
    "not-an-object": _M(
        "structure",
        "Here stands a JSON object, not {found}.",
        "Chỗ này phải là đối tượng JSON, không phải {found}.",
    ),
    "not-a-list": _M(
        "structure",
        "This element repeats, so it is a list.",
        "Phần tử này lặp lại được nên phải là danh sách.",
    ),
    "not-repeating": _M(
        "structure",
        "This element does not repeat, so it is not a list.",
        "Phần tử này không lặp nên không được là danh sách.",
    ),
    "empty-object": _M(
        "structure",
        "An element may not be empty.",
        "Phần tử không được rỗng.",
    ),
    "empty-list": _M(
        "structure",
        "A list may not be empty; leave the element out.",
        "Danh sách không được rỗng; hãy bỏ hẳn phần tử.",
    ),
    "null-value": _M(
        "structure",
        "A null is allowed only in a list of primitives where extensions stand in its place.",
        "Chỉ được dùng null trong danh sách giá trị đơn khi có phần mở rộng thay thế.",
    ),
    "list-lengths": _M(
        "structure",
        "The list of values and the list of their extensions (_{name}) differ in length.",
        "Danh sách giá trị và danh sách phần mở rộng (_{name}) dài khác nhau.",
    ),
    "unknown-element": _M(
        "structure",
        "{type} has no element {name}.",
        "{type} không có phần tử {name}.",
    ),
    "sibling-not-primitive": _M(
        "structure",
        "Only a primitive element has a sibling {name}.",
        "Chỉ phần tử giá trị đơn mới có {name} đi kèm.",
    ),
    "not-allowed-here": _M(
        "structure",
        "Only id and extension may stand beside a primitive value, not {name}.",
        "Bên cạnh giá trị đơn chỉ được có id và extension, không có {name}.",
    ),
    "enough": _M(
        "too-costly",
        "More than {found} problems; the rest was not looked at.",
        "Có hơn {found} lỗi; phần còn lại chưa xem.",
    ),
    # Types and numbers of elements
    "no-resource-type": _M(
        "structure",
        "A resource names its type in resourceType.",
        "Tài nguyên phải ghi loại ở resourceType.",
    ),
    "unknown-resource-type": _M(
        "structure",
        "FHIR R4 has no resource type {name}.",
        "FHIR R4 không có loại tài nguyên {name}.",
    ),
    "missing": _M(
        "required",
        "{name} is required (at least {min}, found {found}).",
        "Thiếu {name} (cần ít nhất {min}, có {found}).",
    ),
    "too-many": _M(
        "structure",
        "{name} may occur at most {max} times, found {found}.",
        "{name} được có nhiều nhất {max}, đang có {found}.",
    ),
    "not-allowed": _M(
        "structure",
        "{name} may not be used here.",
        "Không được dùng {name} ở đây.",
    ),
    "several-choices": _M(
        "structure",
        "Only one of {name}[x] may be given; there is also {other}.",
        "Chỉ được dùng một kiểu của {name}[x]; đã có {other}.",
    ),
    "wrong-choice": _M(
        "structure",
        "The type {found} is not allowed here; allowed: {allowed}.",
        "Không được dùng kiểu {found} ở đây; được dùng: {allowed}.",
    ),
    # Primitive values (datatypes.html#primitive)
    "not-boolean": _M(
        "value",
        "Here stands true or false, not {value}.",
        "Chỗ này là true hoặc false, không phải {value}.",
    ),
    "not-integer": _M(
        "value",
        "Here stands a whole number, not {value}.",
        "Chỗ này là số nguyên, không phải {value}.",
    ),
    "not-number": _M(
        "value",
        "Here stands a number, not {value}.",
        "Chỗ này là số, không phải {value}.",
    ),
    "not-string": _M(
        "value",
        "Here stands a text, not {value}.",
        "Chỗ này là văn bản, không phải {value}.",
    ),
    "out-of-range": _M(
        "value",
        "The number {value} is outside the range of {type}.",
        "Số {value} nằm ngoài khoảng cho phép của {type}.",
    ),
    "empty-string": _M(
        "value",
        "A text may not be empty; leave the element out.",
        "Văn bản không được rỗng; hãy bỏ hẳn phần tử.",
    ),
    "blank-string": _M(
        "value",
        "A text may not consist of white space only.",
        "Văn bản không được chỉ gồm khoảng trắng.",
    ),
    "control-character": _M(
        "value",
        "The text holds a control character.",
        "Văn bản có ký tự điều khiển.",
    ),
    "too-long": _M(
        "too-long",
        "The value is longer than {limit} characters.",
        "Giá trị dài quá {limit} ký tự.",
    ),
    "bad-code": _M(
        "value",
        "A code has no white space at its ends or twice inside: {value}.",
        "Mã không được có khoảng trắng ở đầu, cuối hoặc hai khoảng trắng liền nhau: {value}.",
    ),
    "bad-id": _M(
        "value",
        "An id consists of 1 to 64 letters, digits, hyphens and points: {value}.",
        "Mã định danh (id) gồm 1 đến 64 chữ cái, chữ số, gạch nối và dấu chấm: {value}.",
    ),
    "bad-element-id": _M(
        "value",
        "The id of an element holds no white space: {value}.",
        "Id của phần tử không chứa khoảng trắng: {value}.",
    ),
    "bad-uri": _M(
        "value",
        "An address holds no white space: {value}.",
        "Địa chỉ không chứa khoảng trắng: {value}.",
    ),
    "bad-oid": _M(
        "value",
        "This is not an OID in the form urn:oid:1.2.3: {value}.",
        "Không phải OID dạng urn:oid:1.2.3: {value}.",
    ),
    "bad-uuid": _M(
        "value",
        "This is not a UUID in the form urn:uuid:… : {value}.",
        "Không phải UUID dạng urn:uuid:… : {value}.",
    ),
    "bad-base64": _M(
        "value",
        "This is not base64.",
        "Không phải mã base64.",
    ),
    "bad-date": _M(
        "value",
        "This is not a date (YYYY, YYYY-MM or YYYY-MM-DD): {value}.",
        "Không phải ngày (YYYY, YYYY-MM hoặc YYYY-MM-DD): {value}.",
    ),
    "bad-date-time": _M(
        "value",
        "This is not a date or a date with time and zone: {value}.",
        "Không phải ngày, hoặc ngày giờ kèm múi giờ: {value}.",
    ),
    "bad-instant": _M(
        "value",
        "This is not a moment with date, time and zone: {value}.",
        "Không phải thời điểm đủ ngày, giờ và múi giờ: {value}.",
    ),
    "bad-time": _M(
        "value",
        "This is not a time (hh:mm:ss): {value}.",
        "Không phải giờ (hh:mm:ss): {value}.",
    ),
    "no-such-day": _M(
        "value",
        "The calendar has no such day: {value}.",
        "Lịch không có ngày này: {value}.",
    ),
    # Narrative (narrative.html)
    "div-not-xhtml": _M(
        "invalid",
        "The narrative is not well-formed XHTML: {detail}.",
        "Phần diễn giải không phải XHTML đúng dạng: {detail}.",
    ),
    "div-wrong-root": _M(
        "invalid",
        "The narrative is one div element of the XHTML namespace.",
        "Phần diễn giải phải là một thẻ div thuộc không gian tên XHTML.",
    ),
    "div-element": _M(
        "invariant",
        "The narrative may not hold the element {name}.",
        "Phần diễn giải không được có thẻ {name}.",
    ),
    "div-attribute": _M(
        "invariant",
        "The narrative may not hold the attribute {name} on {element}.",
        "Phần diễn giải không được có thuộc tính {name} ở thẻ {element}.",
    ),
    "div-empty": _M(
        "invariant",
        "The narrative has no content.",
        "Phần diễn giải không có nội dung.",
    ),
    "div-address": _M(
        "security",
        "The narrative may not hold an address that runs a program: {value}.",
        "Phần diễn giải không được chứa địa chỉ chạy chương trình: {value}.",
    ),
    # References (references.html)
    "reference-form": _M(
        "value",
        "A reference is an address such as Patient/123, not {value}.",
        "Tham chiếu là địa chỉ như Patient/123, không phải {value}.",
    ),
    "reference-target": _M(
        "structure",
        "A reference to {found} is not allowed here; allowed: {allowed}.",
        "Không được trỏ tới {found} ở đây; được trỏ tới: {allowed}.",
    ),
    "reference-type": _M(
        "structure",
        "The reference says type {said}, but leads to {found}.",
        "Tham chiếu ghi loại {said} nhưng trỏ tới {found}.",
    ),
    "reference-unknown-type": _M(
        "value",
        "FHIR R4 has no type {value}.",
        "FHIR R4 không có loại {value}.",
    ),
    "reference-contained": _M(
        "not-found",
        "No contained resource has the id {value}.",
        "Không có tài nguyên chứa bên trong mang id {value}.",
    ),
    "reference-bundle": _M(
        "not-found",
        "No entry of the Bundle has the address {value}.",
        "Không có mục nào của Bundle mang địa chỉ {value}.",
    ),
    "reference-mismatch": _M(
        "structure",
        "The address {value} leads to a {found} in this Bundle.",
        "Địa chỉ {value} dẫn tới một {found} trong Bundle này.",
    ),
    # Contained resources and bundles (references.html#contained, bundle.html)
    "contained-id": _M(
        "required",
        "A contained resource has an id.",
        "Tài nguyên chứa bên trong phải có id.",
    ),
    "contained-nested": _M(
        "invariant",
        "A contained resource contains no further ones (dom-2).",
        "Tài nguyên chứa bên trong không được chứa tiếp tài nguyên khác (dom-2).",
    ),
    "contained-unused": _M(
        "invariant",
        "Nothing refers to the contained resource {value} (dom-3).",
        "Không có gì trỏ tới tài nguyên chứa bên trong {value} (dom-3).",
    ),
    "contained-version": _M(
        "invariant",
        "A contained resource has no versionId or lastUpdated (dom-4).",
        "Tài nguyên chứa bên trong không có versionId hay lastUpdated (dom-4).",
    ),
    "contained-security": _M(
        "invariant",
        "A contained resource has no security label (dom-5).",
        "Tài nguyên chứa bên trong không có nhãn bảo mật (dom-5).",
    ),
    "contained-duplicate": _M(
        "invalid",
        "Two contained resources have the id {value}.",
        "Hai tài nguyên chứa bên trong trùng id {value}.",
    ),
    "full-url-id": _M(
        "invalid",
        "The fullUrl {value} does not end in the resource's id {id}.",
        "fullUrl {value} không kết thúc bằng id {id} của tài nguyên.",
    ),
    "full-url-no-id": _M(
        "required",
        "The resource at the address {value} of a server has an id.",
        "Tài nguyên ở địa chỉ máy chủ {value} phải có id.",
    ),
    "full-url-missing": _M(
        "required",
        "Every entry of this kind of Bundle has a fullUrl.",
        "Mọi mục của loại Bundle này phải có fullUrl.",
    ),
    "full-url-absolute": _M(
        "invalid",
        "A fullUrl is an absolute address: {value}.",
        "fullUrl phải là địa chỉ tuyệt đối: {value}.",
    ),
    # Codes (terminologies.html)
    "not-in-value-set": _M(
        "code-invalid",
        "The code {value} is not in the required list {list}.",
        "Mã {value} không thuộc danh mục bắt buộc {list}.",
    ),
    "not-in-extensible": _M(
        "code-invalid",
        "The code {value} is not in the list {list}; use one of its codes where one fits.",
        "Mã {value} không thuộc danh mục {list}; hãy dùng mã trong danh mục nếu có mã phù hợp.",
        "warning",
    ),
    "no-code": _M(
        "code-invalid",
        "A code of the required list {list} is needed.",
        "Cần một mã thuộc danh mục bắt buộc {list}.",
    ),
    "unknown-code": _M(
        "code-invalid",
        "The code system {system} has no code {value}.",
        "Hệ mã {system} không có mã {value}.",
    ),
    "bad-mime-type": _M(
        "code-invalid",
        "This is not a media type: {value}.",
        "Không phải kiểu nội dung (media type): {value}.",
    ),
    "bad-language": _M(
        "code-invalid",
        "This is not a language tag (BCP 47): {value}.",
        "Không phải mã ngôn ngữ (BCP 47): {value}.",
    ),
    "system-not-absolute": _M(
        "value",
        "A system is an absolute address: {value}.",
        "Hệ mã (system) phải là địa chỉ tuyệt đối: {value}.",
    ),
    "system-is-value-set": _M(
        "value",
        "The system names a list of codes (ValueSet), not a code system: {value}.",
        "system đang ghi danh mục (ValueSet) chứ không phải hệ mã: {value}.",
    ),
    "attachment-size": _M(
        "value",
        "The size says {value} bytes, the data has {found}.",
        "size ghi {value} byte nhưng dữ liệu có {found} byte.",
    ),
    "code-without-system": _M(
        "value",
        "A code without system has no meaning of its own.",
        "Mã không kèm hệ mã thì chưa rõ nghĩa.",
        "warning",
    ),
    # Invariants
    "invariant": _M(
        "invariant",
        "Rule {key}: {human}",
        "Không thỏa quy tắc {key}: {human}",
    ),
    "narrative-advised": _M(
        "invariant",
        "Rule dom-6: a resource should have a narrative.",
        "Quy tắc dom-6: tài nguyên nên có phần diễn giải.",
        "warning",
    ),
    "invariant-failed": _M(
        "exception",
        "Rule {key} could not be tested: {detail}",
        "Không kiểm được quy tắc {key}: {detail}",
        "warning",
    ),
    # Answers to a questionnaire (questionnaireresponse.html)
    "answer-unknown-link": _M(
        "not-found",
        "The questionnaire has no question {value} here.",
        "Biểu mẫu không có câu hỏi {value} ở đây.",
    ),
    "answer-order": _M(
        "structure",
        "The item {value} does not stand in the questionnaire's order.",
        "Mục {value} không đứng đúng thứ tự của biểu mẫu.",
    ),
    "answer-not-enabled": _M(
        "business-rule",
        "The question {value} is not enabled by the other answers, so it has no answer.",
        "Câu hỏi {value} không được mở theo các câu trả lời khác nên không có câu trả lời.",
    ),
    "answer-repeated-item": _M(
        "structure",
        "The item {value} stands more than once.",
        "Mục {value} xuất hiện nhiều lần.",
    ),
    "answer-repeated": _M(
        "structure",
        "The question {value} has only one answer.",
        "Câu hỏi {value} chỉ có một câu trả lời.",
    ),
    "answer-missing": _M(
        "required",
        "The question {value} must be answered.",
        "Phải trả lời câu hỏi {value}.",
    ),
    "answer-too-few": _M(
        "required",
        "The question {value} needs at least {min} answers, found {found}.",
        "Câu hỏi {value} cần ít nhất {min} câu trả lời, có {found}.",
    ),
    "answer-too-many": _M(
        "structure",
        "The question {value} takes at most {max} answers, found {found}.",
        "Câu hỏi {value} nhận nhiều nhất {max} câu trả lời, có {found}.",
    ),
    "answer-not-asked": _M(
        "structure",
        "The item {value} asks nothing, so it has no answer.",
        "Mục {value} không hỏi gì nên không có câu trả lời.",
    ),
    "answer-item-outside": _M(
        "structure",
        "Items below the question {value} stand inside its answer.",
        "Mục con của câu hỏi {value} phải nằm trong câu trả lời.",
    ),
    "answer-type": _M(
        "value",
        "The answer is of type {found}; asked is {allowed}.",
        "Câu trả lời thuộc kiểu {found}; cần kiểu {allowed}.",
    ),
    "answer-not-an-option": _M(
        "code-invalid",
        "The answer {value} is none of the options.",
        "Câu trả lời {value} không thuộc các lựa chọn.",
    ),
    "answer-unit": _M(
        "value",
        "The unit of {value} cannot be compared with that of the limits.",
        "Đơn vị của {value} không so sánh được với đơn vị của giới hạn.",
    ),
    "value-too-short": _M(
        "value",
        "At least {min} characters are needed, found {found}.",
        "Cần ít nhất {min} ký tự, đang có {found}.",
    ),
    # Extensions (extensibility.html)
    "extension-url": _M(
        "structure",
        "An extension names its definition by an absolute address: {value}.",
        "Phần mở rộng phải ghi địa chỉ tuyệt đối của định nghĩa: {value}.",
    ),
    "extension-unknown": _M(
        "informational",
        "The definition of the extension {url} is not loaded; it was not checked.",
        "Chưa nạp định nghĩa của phần mở rộng {url}; chưa kiểm tra.",
        "information",
    ),
    "extension-not-defined": _M(
        "structure",
        "No extension is defined at {url}.",
        "Không có phần mở rộng nào được định nghĩa tại {url}.",
    ),
    "extension-rule": _M(
        "structure",
        "The extension {url} may be used only where this holds: {rule}",
        "Chỉ được dùng phần mở rộng {url} khi thỏa: {rule}",
    ),
    "extension-context": _M(
        "structure",
        "The extension {url} may not be used here ({here}); allowed at: {allowed}.",
        "Không được dùng phần mở rộng {url} ở đây ({here}); được dùng tại: {allowed}.",
    ),
    "extension-is-modifier": _M(
        "structure",
        "The extension {url} changes the meaning, so it stands in modifierExtension.",
        "Phần mở rộng {url} làm đổi nghĩa nên phải nằm ở modifierExtension.",
    ),
    "extension-not-modifier": _M(
        "structure",
        "The extension {url} does not change the meaning, so it stands in extension.",
        "Phần mở rộng {url} không làm đổi nghĩa nên phải nằm ở extension.",
    ),
    "extension-both": _M(
        "invariant",
        "An extension has either a value or further extensions, not both and not neither.",
        ("Phần mở rộng có hoặc giá trị hoặc các phần mở rộng con, không cả hai và không thiếu cả hai."),
    ),
    # Profiles (profiling.html)
    "profile-unknown": _M(
        "not-supported",
        "The profile {url} is not loaded; it was not checked.",
        "Chưa nạp hồ sơ mẫu {url}; chưa kiểm tra.",
        "warning",
    ),
    "profile-broken": _M(
        "not-supported",
        "The profile {url} cannot be used: {detail}",
        "Không dùng được hồ sơ mẫu {url}: {detail}",
        "warning",
    ),
    "profile-wrong-type": _M(
        "structure",
        "The profile {url} is for {allowed}, this is a {found}.",
        "Hồ sơ mẫu {url} dành cho {allowed}, đây là {found}.",
    ),
    "fixed": _M(
        "value",
        "The value here is exactly {wanted}.",
        "Giá trị ở đây phải đúng là {wanted}.",
    ),
    "pattern": _M(
        "value",
        "The value here includes {wanted}.",
        "Giá trị ở đây phải gồm {wanted}.",
    ),
    "value-too-long": _M(
        "too-long",
        "At most {max} characters are allowed, found {found}.",
        "Chỉ được nhiều nhất {max} ký tự, đang có {found}.",
    ),
    "below-minimum": _M(
        "value",
        "The value {value} is below {limit}.",
        "Giá trị {value} nhỏ hơn {limit}.",
    ),
    "above-maximum": _M(
        "value",
        "The value {value} is above {limit}.",
        "Giá trị {value} lớn hơn {limit}.",
    ),
    "slice-missing": _M(
        "required",
        "{name} needs at least {min} entries of the kind {slice}, found {found}.",
        "{name} cần ít nhất {min} mục loại {slice}, có {found}.",
    ),
    "slice-too-many": _M(
        "structure",
        "{name} may have at most {max} entries of the kind {slice}, found {found}.",
        "{name} được có nhiều nhất {max} mục loại {slice}, đang có {found}.",
    ),
    "slice-none": _M(
        "structure",
        "The list is closed: this entry fits none of {slices}.",
        "Danh sách đóng: mục này không thuộc loại nào trong {slices}.",
    ),
    "slice-order": _M(
        "structure",
        "The entry of the kind {slice} stands after one of a later kind.",
        "Mục loại {slice} đứng sau một mục thuộc loại phải đứng sau nó.",
    ),
    "slice-open-at-end": _M(
        "structure",
        "Entries of no named kind may stand only at the end.",
        "Mục không thuộc loại nào chỉ được đứng cuối.",
    ),
    "no-profile-fits": _M(
        "structure",
        "This does not fit any of the profiles {profiles}.",
        "Không khớp hồ sơ mẫu nào trong {profiles}.",
    ),
    "target-profile": _M(
        "structure",
        "The resource referred to does not fit the profile {profiles}.",
        "Tài nguyên được trỏ tới không khớp hồ sơ mẫu {profiles}.",
    ),
    "aggregation": _M(
        "structure",
        "The reference must be {allowed}, this one is {found}.",
        "Tham chiếu phải thuộc kiểu {allowed}, ở đây là {found}.",
    ),
}
