import { expect, test } from '@jest/globals'
import { dialects } from './dialects/index.ts'
import type { DialectName } from './parse-dsn.ts'
import { splitScript } from './split-script.ts'

test.each<[DialectName, string, string[]]>([
  ['postgres', "SELECT 'a;''b'; SELECT \"c;d\"", ["SELECT 'a;''b'", 'SELECT "c;d"']],
  ['postgres', "SELECT E'it\\'s; x'; SELECT 2;", ["SELECT E'it\\'s; x'", 'SELECT 2']],
  ['postgres', 'SELECT $$a;b$$; SELECT $x$ ; $$ ; $x$', ['SELECT $$a;b$$', 'SELECT $x$ ; $$ ; $x$']],
  ['postgres', '/* a; /* b; */ c; */ SELECT 1; -- d; e', ['SELECT 1']],
  ['postgres', ' ;; \n;', []],
  [
    'postgres',
    'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 3;',
    [
      'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END',
      'SELECT 3',
    ],
  ],
  ['postgres', "SELECT 'never closed; SELECT 2", ["SELECT 'never closed; SELECT 2"]],
  ['mysql', "SELECT 'a\\';b'; # c; d\nSELECT `e;f`", ["SELECT 'a\\';b'", 'SELECT `e;f`']],
  [
    'mysql',
    'DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END//\nDELIMITER ;\nCALL p();',
    ['CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END', 'CALL p()'],
  ],
  ['mysql', '/*!40101 SET NAMES utf8mb4 */; SELECT 1', ['/*!40101 SET NAMES utf8mb4 */', 'SELECT 1']],
  [
    'mssql',
    "CREATE TABLE a (x int); INSERT INTO a VALUES (1)\nGO\nSELECT '\nGO\n' -- GO\n  go  \nSELECT [GO;]",
    ['CREATE TABLE a (x int); INSERT INTO a VALUES (1)', "SELECT '\nGO\n'", 'SELECT [GO;]'],
  ],
  [
    'oracle',
    "CREATE TABLE a (x int);\nBEGIN\n  a; b := q'[;]';\nEND;\n/\nCREATE OR REPLACE PROCEDURE p AS BEGIN c; END;\n/\nSELECT 1 FROM dual\n/",
    [
      'CREATE TABLE a (x int)',
      "BEGIN\n  a; b := q'[;]';\nEND;",
      'CREATE OR REPLACE PROCEDURE p AS BEGIN c; END;',
      'SELECT 1 FROM dual',
    ],
  ],
  [
    'oracle',
    "DECLARE x int := 4 / 2; BEGIN y; END;\n/\nINSERT INTO a VALUES (4\n/ 2); COMMENT ON TABLE a IS 'b';",
    ['DECLARE x int := 4 / 2; BEGIN y; END;', 'INSERT INTO a VALUES (4\n/ 2)', "COMMENT ON TABLE a IS 'b'"],
  ],
  [
    'sqlite',
    'CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET x = CASE 1 WHEN 1 THEN 2 END; DELETE FROM c; END; SELECT [d;e], `f;`',
    [
      'CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET x = CASE 1 WHEN 1 THEN 2 END; DELETE FROM c; END',
      'SELECT [d;e], `f;`',
    ],
  ],
])(
  '000.15 a script of %s is split at the ends of its statements: %j',
  async (dialect, script, statements) => {
    expect(splitScript(await dialects[dialect](), script)).toEqual(statements)
  },
)

test('a long script that is all quotes is split in time that grows with its length only', async () => {
  const script = `${'$a$b'.repeat(30_000)};${"E'\\'".repeat(20_000)}`
  expect(splitScript(await dialects.postgres(), script).length).toBeGreaterThan(0)
})
