"""PyPI `llama-cloud` takes the sandbox for LlamaCloud.

Proves: LlamaCloud's own Python SDK, validating every answer strictly, can create, list, page, filter, read and cancel
batches, look up files and jobs, upload, read results and recognises each refusal. It is configured by its own environment variables.
"""

import json
import os
import re
import subprocess
import time
import unicodedata
import unittest
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import llama_cloud

CONSTANTS = json.loads((Path(os.environ["CLIENTS_DIR"]) / "constants.json").read_text())
DIRECTORIES = CONSTANTS["directories"]
LIMIT_SECONDS = 60
FINAL = ("COMPLETED", "FAILED", "CANCELLED")
OTHER_UUID = "182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e"


class SandboxTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        command = [os.environ["SERVER_BINARY"], *CONSTANTS["sandbox_arguments"]]
        cls.sandbox = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        cls.addClassCleanup(cls.stop)
        found = next(filter(None, (re.search(r"listening on (http:\S+)", line) for line in cls.sandbox.stderr)), None)
        assert found, "the sandbox did not start"
        os.environ["LLAMA_CLOUD_BASE_URL"] = found[1]
        os.environ["LLAMA_CLOUD_API_KEY"] = CONSTANTS["sandbox_key"]
        cls.client = cls.connect()

    @classmethod
    def stop(cls) -> None:
        cls.sandbox.terminate()
        _, errors = cls.sandbox.communicate(timeout=LIMIT_SECONDS)
        assert cls.sandbox.returncode == 0, errors

    @staticmethod
    def connect(**more: Any) -> llama_cloud.LlamaCloud:
        return llama_cloud.LlamaCloud(max_retries=0, _strict_response_validation=True, **more)

    def create(self, directory: str, job_type: str = "parse_v2") -> Any:
        configuration = CONSTANTS["configurations"][job_type]
        job = {"type": job_type, "configuration_id": configuration}
        return self.client.batches.create(source_directory_id=DIRECTORIES[directory], config={"job": job})

    def final(self, batch_id: str) -> Any:
        """The batch with its results, once it is final."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:
            batch = self.client.batches.get(batch_id)
            self.assertIsNone(batch.results, "results come only when asked for")
            if batch.status in FINAL:
                return self.client.batches.get(batch_id, expand=["results"])
        raise AssertionError(f"{batch_id} is not final after {LIMIT_SECONDS} s")

    def test_create_answers_with_the_batch(self) -> None:
        batch = self.create("small")
        self.assertEqual(batch.source_directory_id, DIRECTORIES["small"])
        self.assertEqual(batch.config.job.configuration_id, CONSTANTS["configurations"]["parse_v2"])
        self.assertIn(batch.status, ("PENDING", "RUNNING"))
        self.assertIsNotNone(batch.created_at)

    def test_list_pages_through_everything_once(self) -> None:
        made = [self.create("small").id for _ in range(5)]
        first = self.client.batches.list(page_size=2)
        self.assertEqual(len(first.items), 2)
        self.assertTrue(first.has_next_page())
        second = self.client.batches.list(page_size=2, page_token=first.next_page_token)
        self.assertFalse({batch.id for batch in first.items} & {batch.id for batch in second.items})
        everything = [batch.id for batch in self.client.batches.list(page_size=2)]
        self.assertEqual(len(everything), len(set(everything)))
        self.assertLessEqual(set(made), set(everything))

    def test_list_filters(self) -> None:
        batch = self.final(self.create("stragglers").id)
        created, second = batch.created_at, timedelta(seconds=1)

        def listed(**filters: Any) -> bool:
            return batch.id in [other.id for other in self.client.batches.list(**filters)]

        self.assertTrue(listed(status="COMPLETED"))
        for status in ("PENDING", "THROTTLED", "RUNNING", "FAILED", "CANCELLED"):
            self.assertFalse(listed(status=status), status)
        self.assertTrue(listed(source_directory_id=DIRECTORIES["stragglers"]))
        self.assertFalse(listed(source_directory_id=DIRECTORIES["small"]))
        self.assertTrue(listed(created_at_on_or_after=created, created_at_on_or_before=created))
        self.assertFalse(listed(created_at_on_or_after=created + second))
        self.assertFalse(listed(created_at_on_or_before=created - second))
        self.assertTrue(listed(project_id=batch.project_id))
        with self.assertRaises(llama_cloud.PermissionDeniedError):
            listed(project_id=OTHER_UUID)
        with self.assertRaises(llama_cloud.PermissionDeniedError):
            listed(organization_id=OTHER_UUID)

    def test_results_lead_to_files_and_jobs(self) -> None:
        for job_type, jobs in (("parse_v2", self.client.parsing), ("extract_v2", self.client.extract)):
            batch = self.final(self.create("failing", job_type).id)
            self.assertEqual(batch.status, "COMPLETED")
            files = [file.id for file in self.client.beta.directories.files.list(DIRECTORIES["failing"], page_size=5)]
            self.assertEqual(sorted(result.source_directory_file_id for result in batch.results), sorted(files))
            self.assertTrue(any(result.error_message for result in batch.results))
            wanted = {result.job_reference.id for result in batch.results if result.job_reference}
            found = {job.id: job.status for job in jobs.list(job_ids=sorted(wanted), page_size=5)}
            self.assertEqual(set(found), wanted)
            self.assertIn("FAILED", found.values())
            (one,) = jobs.list(job_ids=sorted(wanted)[:1])
            self.assertEqual(one.id, sorted(wanted)[0])

    def test_a_directory_of_a_thousand_files_is_listed_whole(self) -> None:
        files = self.client.beta.directories.files.list(DIRECTORIES["thousand"], page_size=300)
        self.assertEqual(len({file.id for file in files}), 1000)

    def test_a_broken_batch_fails_without_results(self) -> None:
        batch = self.final(self.create("broken").id)
        self.assertEqual((batch.status, batch.results), ("FAILED", None))

    def test_cancel_ends_a_batch_once(self) -> None:
        batch = self.create("thousand")
        self.assertEqual(self.client.batches.cancel(batch.id).id, batch.id)
        self.assertEqual(self.final(batch.id).status, "CANCELLED")
        with self.assertRaises(llama_cloud.APIStatusError) as refusal:
            self.client.batches.cancel(batch.id)
        self.assertEqual(refusal.exception.status_code // 100, 4)

    def test_another_key_is_refused(self) -> None:
        with self.assertRaises(llama_cloud.AuthenticationError):
            self.connect(api_key="llx-other").batches.list()

    def test_what_is_not_there_is_not_found(self) -> None:
        with self.assertRaises(llama_cloud.NotFoundError):
            self.client.batches.get(CONSTANTS["unknown_batch"])
        with self.assertRaises(llama_cloud.NotFoundError):
            self.client.batches.cancel(CONSTANTS["unknown_batch"])
        with self.assertRaises(llama_cloud.NotFoundError):
            self.client.beta.directories.files.list("dir-none")

    def test_bad_values_are_named(self) -> None:
        job: Any = {"type": "split_v1", "configuration_id": CONSTANTS["configurations"]["parse_v2"]}
        with self.assertRaises(llama_cloud.UnprocessableEntityError) as refusal:
            self.client.batches.create(source_directory_id=DIRECTORIES["small"], config={"job": job})
        self.assertEqual(refusal.exception.body["detail"][0]["loc"], ["body", "config", "job", "type"])
        for bad in ({"page_size": 0}, {"status": "DONE"}, {"created_at_on_or_after": "yesterday"}, {"project_id": "x"}):
            with self.assertRaises(llama_cloud.UnprocessableEntityError) as refusal:
                self.client.batches.list(**bad)
            self.assertEqual(refusal.exception.body["detail"][0]["loc"], ["query", *bad])


    def test_a_folder_goes_from_upload_to_text(self) -> None:
        directories = self.client.beta.directories
        directory = directories.create(name="sdk-python", type="ephemeral")
        self.assertIsNotNone(directory.expires_at)
        with self.assertRaises(llama_cloud.ConflictError):
            directories.create(name="sdk-python")
        self.assertEqual([found.id for found in directories.list(name="sdk-python", types=["ephemeral"])], [directory.id])
        about = {"sha256": "ab", "size": 16}
        content = ("heron.txt", b"The heron waits.")
        for unique_id in ("a/heron.txt", "b/heron.txt"):
            file = directories.files.upload(
                directory.id, upload_file=content, unique_id=unique_id, metadata=json.dumps(about)
            )
            self.assertEqual((file.unique_id, file.display_name, file.metadata), (unique_id, "heron.txt", about))
        (found,) = directories.files.list(directory.id, unique_id="b/heron.txt")
        self.assertEqual(directories.files.get(found.id, directory_id=directory.id).to_dict(), found.to_dict())
        added = directories.files.add(directory.id, file_id=found.file_id, unique_id="again")
        self.assertEqual(added.file_id, found.file_id)
        changed = directories.files.update(added.id, directory_id=directory.id, metadata={"sha256": "cd"})
        self.assertEqual((changed.unique_id, changed.metadata), ("again", {"sha256": "cd"}))
        directories.files.delete(added.id, directory_id=directory.id)
        since = datetime.now(UTC) + timedelta(days=1)
        self.assertEqual(list(directories.files.list(directory.id, updated_at_on_or_after=since)), [])
        job = {"type": "parse_v2", "configuration_id": CONSTANTS["configurations"]["parse_v2"]}
        batch = self.final(self.client.batches.create(source_directory_id=directory.id, config={"job": job}).id)
        for result in batch.results:
            parsed = self.client.parsing.get(result.job_reference.id, expand=["text", "markdown", "usage"])
            self.assertEqual([page.text for page in parsed.text.pages], ["The heron waits."])
            self.assertEqual([page.markdown for page in parsed.markdown.pages], ["The heron waits."])
            self.assertEqual(parsed.job.usage.credits, 10)
        directories.delete(directory.id)
        with self.assertRaises(llama_cloud.NotFoundError):
            directories.get(directory.id)

    def test_configurations_are_listed_and_saved(self) -> None:
        configurations = self.client.configurations
        everything = list(configurations.list(product_type=["parse_v2", "extract_v2"], page_size=2))
        latest = [one.id for one in configurations.list(latest_only=True)]
        self.assertLess(len(latest), len(everything))
        self.assertEqual(len(set(latest)), len(latest))
        parameters: Any = {"product_type": "parse_v2", "tier": "fast", "version": "latest"}
        saved = configurations.create(name="sdk-python", parameters=parameters)
        again = configurations.create(name="sdk-python", parameters=parameters)
        self.assertEqual((saved.id, saved.version < again.version), (again.id, True))
        self.assertEqual(configurations.retrieve(saved.id), again)
        self.assertEqual(configurations.retrieve("cfg-PARSE_AGENTIC").parameters.tier, "agentic")

    def test_the_tools_report_what_the_sdk_reads(self) -> None:
        """`list_directories` and `list_configurations` against the SDK's own lists of the same sandbox."""

        def tool(name: str, **arguments: Any) -> dict[str, Any]:
            command = [os.environ["SERVER_BINARY"], "call", name, json.dumps(arguments), "--json"]
            command += ["--base-url", os.environ["LLAMA_CLOUD_BASE_URL"]]
            return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

        beta = self.client.beta
        directories = {one.id: one for one in beta.directories.list()}
        listed = tool("list_directories")["directories"]
        self.assertLessEqual({one["id"] for one in listed}, set(directories))
        self.assertGreaterEqual(len(listed), 14)
        for one in listed:
            known = directories[one["id"]]
            self.assertEqual((one["name"], one["type"]), (known.name, known.type))
            self.assertEqual("expires_at" in one, known.expires_at is not None)
            self.assertEqual(one.get("from_connector", False), known.connector_subscription_id is not None)
        files = {file.id: file.display_name for file in beta.directories.files.list(DIRECTORIES["thousand"])}
        shown = tool("list_directories", directory_id=DIRECTORIES["thousand"])
        self.assertEqual(shown["files_total"], len(files))
        self.assertTrue(all(files[file["id"]] == file["name"] for file in shown["files"]))
        latest = {one.id: one for one in self.client.configurations.list(latest_only=True)}
        saved = [one for one in tool("list_configurations")["configurations"] if not one.get("built_in")]
        self.assertLessEqual({one["id"] for one in saved}, set(latest))
        for one in saved:
            known = latest[one["id"]]
            self.assertEqual((one["name"], one["job_type"]), (known.name, known.product_type))
            self.assertEqual(one["tier"], known.parameters.tier)
            if one["job_type"] == "extract_v2":
                self.assertEqual(one["fields"], list(known.parameters.data_schema["properties"]))

    def test_results_of_every_kind_are_read(self) -> None:
        files = self.client.beta.directories.files.list(DIRECTORIES["documents"], page_size=100)
        names = {file.id: file.display_name for file in files}
        jobs = self.jobs("parse_v2", "cfg-PARSE_AGENTIC", names)
        damaged = self.client.parsing.get(jobs["flood-damaged.pdf"], expand=["markdown", "metadata"])
        self.assertEqual([page.page_number for page in damaged.markdown.pages if not page.success], [3, 7])
        text = self.client.parsing.get(jobs["flood-damaged.pdf"], expand=["text"]).text
        self.assertEqual([page.page_number for page in text.pages if not page.text], [3, 7])
        long = self.client.parsing.get(jobs["framework-contract.pdf"], expand=["text"])
        self.assertEqual(len(long.text.pages), 400)
        with self.assertRaises(llama_cloud.NotFoundError):
            self.client.parsing.get(jobs["result-expired.pdf"], expand=["text"])
        sizes = self.client.parsing.get(jobs["minutes.docx"], expand=["text_content_metadata"])
        self.assertGreater(sizes.result_content_metadata["text"].size_bytes, 0)
        fast = self.jobs("parse_v2", "cfg-parse-fast", names)["annual-report.pdf"]
        self.assertIsNone(self.client.parsing.get(fast, expand=["markdown"]).markdown)
        invoice = self.jobs("extract_v2", "cfg-extract-invoices", names)["annual-report.pdf"]
        one = self.client.extract.get(invoice, expand=["extract_metadata", "usage", "configuration"])
        self.assertIn("invoice_number", one.extract_result)
        text = self.client.parsing.get(one.extract_metadata.parse_job_id, expand=["text"])
        self.assertIn("annual-report.pdf", text.text.pages[0].text)
        cited = self.jobs("extract_v2", "cfg-extract-cited", names)
        listed = {job.id: job for job in self.client.extract.list(job_ids=list(cited.values()), expand=["extract_metadata"])}
        report = listed[cited["annual-report.pdf"]]
        self.assertEqual(len(report.extract_result), 12)
        self.assertIn("citation", report.extract_metadata.field_metadata.page_metadata[0]["heading"])

    def jobs(self, job_type: str, configuration: str, names: dict[str, str]) -> dict[str, str]:
        """The jobs of a batch over the documents, by file name."""
        job: Any = {"type": job_type, "configuration_id": configuration}
        made = self.client.batches.create(source_directory_id=DIRECTORIES["documents"], config={"job": job})
        results = self.final(made.id).results
        return {names[result.source_directory_file_id]: result.job_reference.id for result in results}

    def test_outcomes_are_what_the_sdk_reads_file_by_file(self) -> None:
        batch = self.final(self.create("failing").id)
        directory = self.client.beta.directories.files.list(DIRECTORIES["failing"], page_size=100)
        names = {file.id: file.display_name for file in directory}
        references = [result.job_reference for result in batch.results if result.job_reference]
        jobs = {job.id: job for job in self.client.parsing.list(job_ids=[reference.id for reference in references])}
        expected = []
        for result in batch.results:
            job = jobs.get(result.job_reference.id) if result.job_reference else None
            status = job.status if job else "not_mapped" if result.error_message else "no_job_yet"
            error = result.error_message or (job.error_message if job else None)
            expected.append((visible(names[result.source_directory_file_id]), status, bool(error)))
        told = self.outcomes(batch.id)
        self.assertEqual(sorted(expected), sorted((file["name"], file["status"], "error" in file) for file in told["results"]))
        self.assertEqual(told["files"]["total"], len(batch.results))

    def outcomes(self, batch_id: str) -> Any:
        """What the server, on the same sandbox, tells of the batch's files: one page, as they are few."""
        call = {"name": "get_batch", "arguments": {"batch_id": batch_id, "expand": ["outcomes"]}}
        modern = {"protocolVersion": "2026-07-28", "clientCapabilities": {}}
        call["_meta"] = {f"io.modelcontextprotocol/{key}": value for key, value in modern.items()}
        line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}) + "\n"
        command = [os.environ["SERVER_BINARY"]]
        server = subprocess.run(command, input=line, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=True)
        told = json.loads(server.stdout)["result"]["structuredContent"]
        self.assertNotIn("next_results_cursor", told)
        return told


def visible(name: str) -> str:
    """A name without the characters that hide or reorder text, as everything that the server repeats."""
    hidden = re.compile("[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]")
    spaced = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in name)
    return " ".join(hidden.sub("", spaced).split())


if __name__ == "__main__":
    unittest.main()
