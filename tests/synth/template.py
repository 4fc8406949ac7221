"""A synthesized template as a test wants to read it: intrinsics resolved for one account and region."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

PSEUDO: Final = {
    "AWS::AccountId": "123456789012",
    "AWS::Region": "us-east-1",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}


@dataclass(frozen=True)
class Template:
    """One stack's template, resolved for an account."""

    text: str
    account: str = PSEUDO["AWS::AccountId"]

    @property
    def body(self) -> dict[str, Any]:
        """The template as it is."""
        body: dict[str, Any] = json.loads(self.text)
        return body

    def resources(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """Resources of a type by logical id, each with its properties resolved."""
        return {
            logical_id: self.resolve(resource["Properties"])
            for logical_id, resource in self.body["Resources"].items()
            if resource["Type"] == resource_type
        }

    def types(self) -> dict[str, str]:
        """Logical id -> type."""
        return {logical_id: resource["Type"] for logical_id, resource in self.body["Resources"].items()}

    def resolve(self, value: Any) -> Any:
        """A value with its intrinsics replaced; what only a deployment knows becomes `<LogicalId.Attribute>`."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._call(name, argument)
        return {key: self.resolve(item) for key, item in value.items()}

    def _call(self, name: str, argument: Any) -> Any:
        match name:
            case "Ref":
                return self._pseudo.get(argument, f"<{argument}>")
            case "Fn::GetAtt":
                return f"<{'.'.join(argument)}>"
            case "Fn::Join":
                return argument[0].join(self.resolve(argument[1]))
            case "Fn::Sub":
                return self._substitute(*([argument] if isinstance(argument, str) else argument))
            case "Fn::FindInMap":
                mapping, *keys = self.resolve(argument)
                found: Any = self.body["Mappings"][mapping.strip("<>")]
                for key in keys:
                    found = found[key]
                return found
        raise AssertionError(f"this template reader does not know {name}")

    def _substitute(self, text: str, variables: Mapping[str, Any] | None = None) -> str:
        values = {**self._pseudo, **self.resolve(dict(variables or {}))}
        text = re.sub(r"\$\{([^!}]+)\}", lambda match: str(values[match[1]]), text)
        return text.replace("${!", "${")

    @property
    def _pseudo(self) -> dict[str, str]:
        return {**PSEUDO, "AWS::AccountId": self.account}


@dataclass(frozen=True)
class Assembly:
    """What one synth wrote."""

    folder: Path

    def template(self, stack: str) -> Template:
        """The template of a stack, for the account that it belongs to if it names one."""
        account = self.place(stack).split("/")[2]
        known = account if account.isdecimal() else PSEUDO["AWS::AccountId"]
        return Template((self.folder / f"{stack}.template.json").read_text("utf-8"), known)

    def stacks(self) -> dict[str, dict[str, Any]]:
        """What the manifest says of each stack."""
        artifacts = json.loads((self.folder / "manifest.json").read_text("utf-8"))["artifacts"]
        return {name: found for name, found in artifacts.items() if found["type"] == "aws:cloudformation:stack"}

    def place(self, stack: str) -> str:
        """Where a stack goes: `aws://<account>/<region>`."""
        return str(self.stacks()[stack]["environment"])

    def file_keys(self, stack: str) -> set[str]:
        """Object keys of the stack's file assets."""
        manifest = json.loads((self.folder / f"{stack}.assets.json").read_text("utf-8"))
        return {
            destination["objectKey"]
            for file in manifest["files"].values()
            for destination in file["destinations"].values()
        }


def statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every identity policy, with the logical id of its policy."""
    for logical_id, policy in template.resources("AWS::IAM::Policy").items():
        for statement in policy["PolicyDocument"]["Statement"]:
            yield logical_id, statement


def as_list(value: Any) -> list[Any]:
    """IAM writes a list of one as that one."""
    return value if isinstance(value, list) else [value]
