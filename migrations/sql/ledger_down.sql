DROP FUNCTION ledger_post;
DROP TRIGGER audit_keep ON audit_entries;
DROP TRIGGER audit_keep_all ON audit_entries;
DROP TABLE balances, entries, journals, ledger_chart CASCADE;
DROP FUNCTION book_entries();
DROP FUNCTION journal_is_whole();
DROP FUNCTION refuse_hand_written_balance();
DROP FUNCTION refuse_change() CASCADE;
