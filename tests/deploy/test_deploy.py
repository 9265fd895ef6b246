"""What deploy/ holds for containers: schemas, command lines, settings, NATS configuration, and that both forms say the same."""

import copy
import importlib.util
import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
TERRARIUM = os.environ["TERRARIUM_BIN"]
KUBERNETES_VERSION = "1.34"
PASSWORDS = {"NATS_PASSWORD": "nats0secret", "KURRENTDB_PASSWORD": "store0secret"}
ROLES = {"energy", "water", "waste", "mobility", "carbon", "alarms", "recorder", "projector"}


def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def compose_problems(document):
    # Found without importing the package, which would want more than its file.
    package = Path(importlib.util.find_spec("check_jsonschema").submodule_search_locations[0])
    schema = json.loads((package / "builtin_schemas/vendor/compose-spec.json").read_text())
    return list(jsonschema.validators.validator_for(schema)(schema).iter_errors(document))


def kubernetes_objects():
    kustomization = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text())
    names = set(kustomization["resources"])
    there = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    assert names == there, f"kustomization.yaml names {sorted(names)}, and there are {sorted(there)}"
    return [
        (name, document)
        for name in sorted(names)
        for document in yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text())
    ]


def pods():
    """Every pod's containers by the name of what runs them."""
    return {
        document["metadata"]["name"]: document["spec"]["template"]["spec"]
        for _, document in kubernetes_objects()
        if document["kind"] in ("Deployment", "StatefulSet")
    }


def compose_text(text):
    """Puts the passwords where Compose would."""
    return re.sub(r"\$\{(\w+)(:\?[^}]*)?\}", lambda found: PASSWORDS[found[1]], text)


def kubernetes_environment(container):
    """A container's environment as it will be."""
    known = {}
    for variable in container["env"]:
        if "value" in variable:
            text = variable["value"]
            known[variable["name"]] = re.sub(r"\$\((\w+)\)", lambda found: known[found[1]], text)
        elif "secretKeyRef" in variable["valueFrom"]:
            assert variable["valueFrom"]["secretKeyRef"]["name"] == "terrarium-passwords"
            known[variable["name"]] = PASSWORDS.get(variable["name"], "admin0secret")
        else:
            known[variable["name"]] = "nats-0"
    return known


def run(words, environment=None, expect=0):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TERRARIUM_")}
    done = subprocess.run(words, env=clean | (environment or {}), capture_output=True, text=True, timeout=60)
    if expect is not None and done.returncode != expect:
        raise AssertionError(f"{words} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done


class Schemas(unittest.TestCase):
    def test_the_compose_file_fits_the_compose_specification(self):
        self.assertEqual([error.message for error in compose_problems(compose())], [])

    def test_every_kubernetes_object_fits_its_strict_schema(self):
        for name, document in kubernetes_objects():
            with self.subTest(file=name, kind=document["kind"]):
                kubernetes_validate.validate(document, KUBERNETES_VERSION, strict=True)

    def test_what_is_misspelt_does_not_fit(self):
        wrong = compose()
        wrong["services"]["energy"]["restrat"] = "always"
        self.assertTrue(compose_problems(wrong))
        deployment = next(document for _, document in kubernetes_objects() if document["kind"] == "Deployment")
        for mistake in ("containers", "enableServiceLinks"):
            wrong = copy.deepcopy(deployment)
            pod = wrong["spec"]["template"]["spec"]
            pod[mistake + "s"] = pod.pop(mistake)
            with self.assertRaises(kubernetes_validate.ValidationError):
                kubernetes_validate.validate(wrong, KUBERNETES_VERSION, strict=True)


class CommandLines(unittest.TestCase):
    def accepted(self, words):
        # Everything before --help is parsed first, so what is wrong with it is told.
        self.assertIn("Usage: terrarium", run([TERRARIUM, *words, "--help"]).stdout)

    def test_a_wrong_flag_or_role_would_be_found(self):
        for words in (["serve", "energy", "--lisen", "x"], ["serve", "enregy"]):
            self.assertEqual(run([TERRARIUM, *words, "--help"], expect=None).returncode, 2, words)

    def test_compose(self):
        served = {}
        for name, service in compose()["services"].items():
            if not service["image"].startswith("terrarium:") or "entrypoint" in service:
                continue
            self.accepted(service["command"])
            probe = service["healthcheck"]["test"]
            self.assertEqual(probe[:2], ["CMD", "terrarium"])
            self.accepted(probe[2:])
            served[name] = service["command"][1]
        self.assertEqual(served, {role: role for role in ROLES})

    def test_kubernetes(self):
        served = {}
        for name, pod in pods().items():
            for container in pod["containers"]:
                if not container["image"].startswith("terrarium:"):
                    continue
                self.accepted(container["args"])
                for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                    command = container[probe]["exec"]["command"]
                    self.assertEqual(command[0], "terrarium")
                    self.accepted(command[1:])
                served[name] = container["args"][1]
        self.assertEqual(served, {role: role for role in ROLES})

    def test_park_files_are_in_the_image(self):
        commands = [service.get("command", []) for service in compose()["services"].values()]
        commands += [container.get("args", []) for pod in pods().values() for container in pod["containers"]]
        parks = {word for command in commands for word in command if word.endswith(".toml")}
        self.assertTrue(parks)
        dockerfile = (DEPLOY / "Dockerfile").read_text()
        self.assertIn("COPY deploy/parks /usr/share/terrarium/parks", dockerfile)
        for park in parks:
            file = DEPLOY / Path(park).relative_to("/usr/share/terrarium")
            run([TERRARIUM, "park", "check", str(file)])


class Settings(unittest.TestCase):
    def checked(self, environment):
        environment = dict(environment, TERRARIUM_CONFIG=str(DEPLOY / "terrarium.toml"))
        found = json.loads(run([TERRARIUM, "config", "check", "--format", "json"], environment).stdout)
        self.assertEqual(found["warnings"], [])
        values = {line["key"]: line["value"] for line in found["values"]}
        self.assertEqual(values["nats_replicas"], "3")
        self.assertEqual(
            values["nats_url"], '"tls://***@nats-0.nats:4222,tls://nats-1.nats:4222,tls://nats-2.nats:4222"'
        )
        self.assertEqual(
            values["eventstore_url"], '"esdb://***@kurrentdb:2113?tls=true&tlsCaFile=/secrets/ca.pem"'
        )
        for key in ("tls.certificate", "tls.key", "tokens", "nats_ca"):
            self.assertIn('"/secrets/', values[key])
        return values

    def test_compose(self):
        for role in ROLES:
            service = compose()["services"][role]
            environment = {name: compose_text(value) for name, value in service["environment"].items()}
            self.assertEqual(environment["TERRARIUM_CONFIG"], service["configs"][0]["target"])
            self.checked(environment)

    def test_kubernetes(self):
        for role in ROLES:
            container = pods()[role]["containers"][0]
            environment = kubernetes_environment(container)
            mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
            self.assertEqual(environment["TERRARIUM_CONFIG"], mounts["settings"] + "/terrarium.toml")
            variables = {name: text for name, text in environment.items() if name.startswith("TERRARIUM_")}
            self.checked(variables)

    def test_kubernetes_has_the_same_files_as_compose(self):
        maps = {
            document["metadata"]["name"]: document["data"]
            for _, document in kubernetes_objects()
            if document["kind"] == "ConfigMap"
        }
        self.assertEqual(maps["terrarium-settings"]["terrarium.toml"], (DEPLOY / "terrarium.toml").read_text())
        self.assertEqual(maps["nats"]["nats.conf"], (DEPLOY / "nats/nats.conf").read_text())

    def test_what_is_mounted_is_there(self):
        document = compose()
        for config in document["configs"].values():
            self.assertTrue((DEPLOY / config["file"]).is_file(), config)
        self.assertTrue((DEPLOY / document["services"]["energy"]["build"]["context"] / "Cargo.toml").is_file())


class Secrets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.secrets = Path(cls.folder.name) / "secrets"
        (Path(cls.folder.name) / "bin").mkdir()
        (Path(cls.folder.name) / "bin/terrarium").symlink_to(TERRARIUM)
        cls.path = {"PATH": f"{cls.folder.name}/bin:{os.environ['PATH']}"}
        cls.prepare()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def prepare(cls):
        return run(["/bin/sh", str(DEPLOY / "prepare-secrets"), str(cls.secrets), "park.example"], cls.path)

    def test_all_that_is_read_is_made_once(self):
        settings = (DEPLOY / "terrarium.toml").read_text() + (DEPLOY / "nats/nats.conf").read_text()
        for file in set(re.findall(r'"/secrets/([^"]+)"', settings)):
            self.assertTrue((self.secrets / file).is_file(), file)
        self.assertFalse((self.secrets / "ca-key.pem").exists())
        before = (self.secrets / "server.pem").read_bytes()
        self.assertIn("already", self.prepare().stdout)
        self.assertEqual((self.secrets / "server.pem").read_bytes(), before)

    def test_the_certificate_names_every_host_that_is_dialled(self):
        text = run(["openssl", "x509", "-in", str(self.secrets / "server.pem"), "-noout", "-text"]).stdout
        names = set(re.findall(r"DNS:([^,\s]+)", text))
        documents = [(DEPLOY / name).read_text() for name in ("compose.yaml", "nats/nats.conf", "kubernetes/energy.yaml")]
        dialled = set()
        for document in documents:
            dialled |= set(re.findall(r"(?:tls|https)://(?:[^@\s\"]*@)?([\w.-]+):\d+", document))
            dialled |= set(re.findall(r"esdb://[^@]*@([\w.-]+):\d+", document))
        self.assertLessEqual({"nats-0.nats", "kurrentdb", "localhost"}, dialled)
        self.assertLessEqual(dialled | ROLES | {"park.example"}, names)
        for use in ("TLS Web Server Authentication", "TLS Web Client Authentication"):
            self.assertIn(use, text)

    def test_a_server_off_loopback_takes_them(self):
        settings = (DEPLOY / "terrarium.toml").read_text().replace("/secrets/", f"{self.secrets}/")
        settings = settings.replace('"/data"', f'"{self.folder.name}/data"').replace("0.0.0.0:7470", "0.0.0.0:0")
        file = Path(self.folder.name) / "terrarium.toml"
        file.write_text(settings)
        # It gets past certificate and tokens, and stops at NATS, which is not there.
        environment = {"TERRARIUM_CONFIG": str(file), "TERRARIUM_NATS_URL": "tls://127.0.0.1:1"}
        done = run([TERRARIUM, "serve", "recorder"], environment, expect=1)
        self.assertIn("NATS", done.stderr)

    def test_nats_takes_its_configuration(self):
        text = (DEPLOY / "nats/nats.conf").read_text().replace("/secrets/", f"{self.secrets}/")
        file = Path(self.folder.name) / "nats.conf"
        for wrong, expect in ((False, 0), (True, 1)):
            file.write_text(text.replace("jetstream {", "jetsteam {") if wrong else text)
            environment = {"NATS_SERVER_NAME": "nats-0", "NATS_PASSWORD": PASSWORDS["NATS_PASSWORD"]}
            run(["nats-server", "-t", "-c", str(file)], environment, expect=expect)


if __name__ == "__main__":
    unittest.main()
