"""Faults of a plugin, one for each inherited test: what is changed in a sound plugin, and the test that finds it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CODE = "acme_sms/"
PLUGIN, MODELS, REVISION = CODE + "plugin.py", CODE + "models.py", CODE + "migrations/0001_initial.py"
TEMPLATE, CATALOGUE = CODE + "templates/acme_sms/notes_panel.html", CODE + "locale/zh_CN/LC_MESSAGES/messages.po"
TAIL = "\n\nplugin = AcmeSms()\n"


@dataclass(frozen=True)
class Change:
    """A text in a file that another one takes the place of; without ``old`` the file is written, or ``file+`` longer."""

    file: str
    new: str
    old: str = ""

    def apply(self, repository: Path) -> None:
        path = repository / self.file.removesuffix("+")
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text("utf-8") if path.exists() else ""
        assert self.old in before, f"{self.file} has no {self.old!r}"
        after = before.replace(self.old, self.new, 1) if self.old else self.new
        path.write_text(before + after if self.file.endswith("+") else after, "utf-8")


def put(file: str, old: str, new: str) -> Change:
    return Change(file, new, old)


def table(name: str, columns: str, further: str = "") -> tuple[Change, ...]:
    """A further table: a class for the models, the same in the revision."""
    made = f'    op.create_table("{name}", {columns}, sa.PrimaryKeyConstraint("id", name="pk_{name}"){further})\n'
    return (
        put(REVISION, "    op.create_index(", made + "    op.create_index("),
        put(REVISION, "def downgrade() -> None:\n", f'def downgrade() -> None:\n    op.drop_table("{name}")\n'),
    )


ID = 'sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)'
TAG = '\n\nclass Tag(Base):\n    """A tag."""\n\n    __tablename__ = "acme_sms_tag"\n{model}    name: Mapped[str] = {column}\n'
TAG_COLUMNS = f'{ID}, sa.Column("name", sa.String(20), nullable=False)'
SHARED = (
    '    __model__ = Model(id="acme_sms.tag", label=Label("Tag", "标签"), plural=Label("Tags", "标签"), shared=True)\n'
)
FOREIGN_KEY = 'ForeignKey("crm_customers_customer.id", ondelete="CASCADE")'


def hook(text: str) -> Change:
    """A further hook of the plugin."""
    return put(PLUGIN, TAIL, f"\n    @hookimpl\n{text}{TAIL}")


def route(path: str, body: str, permission: str) -> tuple[Change, ...]:
    view = f'\n\ndef further(request: Request) -> Response:\n    """Answer."""\n    {body}\n'
    return (
        Change(CODE + "views.py+", view),
        put(
            PLUGIN,
            "views.overview, OVERVIEW)]",
            f'views.overview, OVERVIEW), Route("{path}", views.further, {permission})]',
        ),
    )


SEED_TAG = (
    Change(MODELS + "+", TAG.format(model=SHARED, column='field(String(20), en="Name", zh="名称")')),
    *table("acme_sms_tag", TAG_COLUMNS, ", sqlite_autoincrement=True"),
    hook(
        "    def core_seed(self, session):\n        from acme_sms.models import Tag\n        session.add(Tag(name='x'))\n"
    ),
)
SEED_BRANCH = hook(
    "    def core_seed(self, session):\n        from sqlalchemy import select\n        from core.api import Branch\n"
    "        if session.scalar(select(Branch.id).where(Branch.code == '9999')) is None:\n"
    "            session.add(Branch(code='9999', name='own', area_code=''))\n"
)
SIDE = (
    '\n\nclass Consent(Base):\n    """A side table."""\n\n    __tablename__ = "acme_sms_consent"\n'
    '    __table_args__ = {"info": {"unscoped": "read through the customer"}}\n'
    f"    id: Mapped[int] = mapped_column({FOREIGN_KEY}, primary_key=True)\n    given: Mapped[bool]\n"
)
HOSTILE = (
    'import importlib\n\nimportlib.import_module("core.plugin.activation").Activation.is_active = '
    "lambda self, plugin, branch: True\n\nCUSTOMER ="
)
SECOND = '"""More."""\n\nfrom alembic import op\n\nrevision = "{name}"\ndown_revision = "0001_initial"\n\n\ndef upgrade():\n    {up}\n\n\ndef downgrade():\n    pass\n'

MUTATIONS: dict[str, tuple[Change, ...]] = {
    "the_manifest_is_valid": (put(CODE + "plugin.toml", '"branch"', '"planet"'),),
    "the_code_can_be_imported": (Change(CODE + "services.py+", '\nraise RuntimeError("broken on purpose")\n'),),
    "the_models_fit_the_registry": (put(MODELS, '__tablename__ = "acme_sms_note"', '__tablename__ = "stray_note"'),),
    "hooks_exist_and_have_the_signatures_of_their_specifications": (put(PLUGIN, "def core_jobs", "def core_jbos"),),
    "hooks_return_what_they_declare": (put(PLUGIN, "return [Setting(", "return ['x', Setting("),),
    "the_manifest_names_the_plugin_in_both_languages": (put(CODE + "plugin.toml", 'zh = "Acme sms 插件"', 'zh = "x"'),),
    "no_hook_lacks_its_marker": (put(PLUGIN, "    @hookimpl\n    def core_actions", "    def core_actions"),),
    "other_plugins_are_required_and_met_at_their_borders": (
        put(CODE + "services.py", "from core.api", "from plugins.crm_customers.models import Customer\nfrom core.api"),
    ),
    "the_core_is_met_at_its_border": (
        put(CODE + "services.py", "from core.api", "from core.db.session import Database\nfrom core.api"),
    ),
    "ranges_of_versions_have_a_floor_that_works": (put(CODE + "plugin.toml", '">=0.1,<1"', '"<1"'),),
    "every_table_is_narrowed_to_branches_or_says_why_not": (
        Change(MODELS + "+", TAG.format(model="", column="mapped_column(String(20))")),
        put(MODELS, "import Mapped", "import Mapped, mapped_column"),
        *table("acme_sms_tag", TAG_COLUMNS, ", sqlite_autoincrement=True"),
    ),
    "personal_data_is_graded_and_masked": (
        Change(MODELS + "+", '    mobile: Mapped[str | None] = field(String(20), en="Mobile", zh="手机")\n'),
        put(
            REVISION,
            '        sa.Column("due_on"',
            '        sa.Column("mobile", sa.String(20)),\n        sa.Column("due_on"',
        ),
    ),
    "models_and_fields_are_labelled_in_both_languages": (put(MODELS, 'zh="内容"', 'zh=""'),),
    "columns_of_foreign_records_are_foreign_keys": (
        put(MODELS, FOREIGN_KEY, "BigInteger"),
        put(MODELS, "import ForeignKey, Index", "import BigInteger, Index"),
        put(MODELS, '        target="crm_customers.customer",\n', '        kind="integer",\n'),
        put(
            REVISION,
            '        sa.ForeignKeyConstraint(\n            ["customer_id"],\n            ["crm_customers_customer.id"],\n'
            '            name=op.f("fk_acme_sms_note_customer_id"),\n            ondelete="CASCADE",\n        ),\n',
            "",
        ),
        put(
            REVISION,
            'sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite")',
            'sa.Column("customer_id", sa.BigInteger()',
        ),
    ),
    "foreign_keys_of_foreign_records_say_what_deleting_does": (
        put(MODELS, ', ondelete="CASCADE"', ""),
        put(REVISION, '            ondelete="CASCADE",\n', ""),
    ),
    "side_tables_are_named_after_extender_and_host": (
        Change(MODELS + "+", SIDE),
        put(MODELS, "import Mapped", "import Mapped, mapped_column"),
        *table(
            "acme_sms_consent",
            f'{ID}, sa.Column("given", sa.Boolean(), nullable=False)',
            ', sa.ForeignKeyConstraint(["id"], ["crm_customers_customer.id"], name="fk_acme_sms_consent_id", ondelete="CASCADE")',
        ),
    ),
    "revisions_build_the_tables_of_the_models": (
        put(REVISION, '    op.create_index("ix_acme_sms_note_branch_id", "acme_sms_note", ["branch_id"])\n', ""),
    ),
    "every_release_can_be_upgraded": (
        put(
            REVISION,
            "    op.create_index(",
            '    op.execute("CREATE TEMP TABLE kept (x INTEGER)")\n    op.create_index(',
        ),
        Change(CODE + "migrations/0002_more.py", SECOND.format(name="0002_more", up='op.execute("DROP TABLE kept")')),
    ),
    "revisions_can_be_taken_back_and_leave_nothing": (put(REVISION, '    op.drop_table("acme_sms_note")', "    pass"),),
    "revisions_touch_only_tables_of_the_plugin": (
        put(
            REVISION,
            "    op.create_index(",
            '    op.create_index("ix_stray", "core_branch", ["name"])\n    op.create_index(',
        ),
        put(REVISION, "    op.drop_table(", '    op.drop_index("ix_stray", "core_branch")\n    op.drop_table('),
    ),
    "revisions_render_as_sql_for_postgresql": (
        put(
            REVISION,
            "    op.create_index(",
            '    op.get_bind().execute(sa.text("SELECT 1")).one()\n    op.create_index(',
        ),
    ),
    "revisions_stand_in_one_line_under_their_names": (
        Change(CODE + "migrations/0002_Second.py", SECOND.format(name="0002_Second", up="pass")),
    ),
    "seeding_twice_changes_nothing": SEED_TAG,
    "seeds_add_rows_to_tables_of_the_plugin_alone": (SEED_BRANCH,),
    "every_contribution_asks_for_a_known_permission": (
        put(PLUGIN, "panels.load_notes, VIEW", "panels.load_notes, 'acme_sms.note.look'"),
    ),
    "menu_entries_ask_for_what_their_pages_ask_for": (
        put(PLUGIN, '/overview", OVERVIEW, "message"', '/overview", VIEW, "message"'),
    ),
    "strangers_get_nothing": route("/ping", "return Response('pong')", "'public'"),
    "pages_fail_for_nobody_who_may_see_them": route("/broken", "raise ZeroDivisionError", "OVERVIEW"),
    "a_branch_where_it_is_off_reaches_nothing": (put(PLUGIN, "CUSTOMER =", HOSTILE),),
    "contributions_work_on_an_empty_installation": (
        put(CODE + "panels.py", "    return count_open(session, ids)", "    return {min(ids): 1}"),
    ),
    "columns_and_filters_are_for_lists_that_exist": (put(PLUGIN, "Filter(CUSTOMER", "Filter('crm_customers.custmer'"),),
    "panels_stand_in_slots_that_exist": (put(PLUGIN, "crm_customers.customer.side", "crm_customers.customer.left"),),
    "schedules_name_own_jobs_at_possible_times": (put(PLUGIN, "20 3 * * *", "20 33 * * *"),),
    "scheduled_jobs_can_run_again_and_again": (
        put(CODE + "jobs.py", "    days = ", "    assert context.job_id == 1\n    days = "),
    ),
    "import_profiles_can_be_read": (put(CODE + "profiles/notes.toml", "acme_sms.note", "acme_sms.nte"),),
    "imports_fill_every_column_that_needs_a_value": (put(CODE + "importing.py", ', "done": False', ""),),
    "settings_are_labelled_and_have_defaults": (put(PLUGIN, "备忘保留天数", "keep"),),
    "templates_compile": (Change(TEMPLATE + "+", "{% endfor %}\n"),),
    "templates_have_no_script_and_no_style": (Change(TEMPLATE + "+", '<p style="color:red">x</p>\n'),),
    "texts_of_templates_are_translated": (put(TEMPLATE, '_("no day")', '_("no day at all")'),),
    "texts_in_code_are_translated": (put(CODE + "panels.py", "Write yes or no.", "Write yes or no, please."),),
    "translations_name_the_same_facts": (Change(CATALOGUE + "+", '\nmsgid "There are {number}."\nmsgstr "有。"\n'),),
    "contributions_are_labelled_in_both_languages": (put(PLUGIN, "清理过期备忘", "tidy"),),
    "permissions_are_labelled_in_both_languages": (put(PLUGIN, 'overview", "Acme sms 插件：总览"', 'overview", "x"'),),
    "permissions_are_named_after_plugin_noun_and_verb": (
        put(PLUGIN, "return [Permission(", 'return [Permission("acme_sms.look", TITLE), Permission('),
    ),
    "contributions_are_named_after_the_plugin": (put(PLUGIN, '"acme_sms.new_note"', '"new_note"'),),
    "files_have_telling_names": (Change(CODE + "utils.py", '"""Anything."""\n'),),
    "templates_and_static_files_stand_under_the_name_of_the_plugin": (
        Change(CODE + "static/other/notes.css", "p { margin: 0 }\n"),
        Change(CODE + "LICENSE", "Free for all.\n"),
    ),
    "static_files_are_allowed_and_licensed": (Change(CODE + "static/acme_sms/notes.css", "p { margin: 0 }\n"),),
    "a_readme_tells_what_it_does": (Change("README.md", "A plugin.\n"),),
}
"""Name of the test without ``test_`` -> the fault that it alone finds."""
