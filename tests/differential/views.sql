CREATE OR REPLACE TEMP VIEW typed AS SELECT
  true AS b, CAST(1 AS TINYINT) AS ti, CAST(2 AS SMALLINT) AS si, 3 AS i, CAST(4 AS BIGINT) AS l,
  CAST(5 AS FLOAT) AS f, CAST(6 AS DOUBLE) AS d, CAST(7 AS DECIMAL(5,2)) AS dec5_2,
  CAST(8 AS DECIMAL(38,0)) AS dec38_0, '9' AS s, X'0A' AS bin, DATE'2020-01-11' AS dt,
  TIMESTAMP'2020-01-12 00:00:00' AS ts, TIMESTAMP_NTZ'2020-01-13 00:00:00' AS ntz,
  INTERVAL '1 02:03:04' DAY TO SECOND AS dti, INTERVAL '1-2' YEAR TO MONTH AS ymi, NULL AS n,
  array(1, 2) AS arr, named_struct('a', 1, 'b', 'x') AS st, map('k', 1) AS mp;
CREATE OR REPLACE TEMP VIEW emp AS SELECT * FROM VALUES
  (1, 'ann', 10, 100.50, DATE'2020-01-31', true), (2, 'bob', 10, 80.00, DATE'2020-02-29', false),
  (3, 'cid', 20, 80.00, DATE'2021-03-31', true), (4, 'dee', 20, NULL, NULL, NULL),
  (5, 'eve', NULL, 60.25, DATE'2019-12-31', true), (6, NULL, 30, 0.00, DATE'2020-01-31', false)
  AS emp(id, name, dept, pay, hired, active);
CREATE OR REPLACE TEMP VIEW dept AS SELECT * FROM VALUES
  (10, 'ops'), (20, 'dev'), (20, 'dev2'), (40, 'hr'), (NULL, 'none') AS dept(dept, title);
CREATE OR REPLACE TEMP VIEW nums AS SELECT * FROM VALUES
  (1, CAST('NaN' AS DOUBLE)), (2, CAST(0.0 AS DOUBLE)), (3, CAST('-0.0' AS DOUBLE)), (4, CAST(NULL AS DOUBLE)),
  (5, CAST('Infinity' AS DOUBLE)), (6, CAST('-Infinity' AS DOUBLE)), (7, CAST('NaN' AS DOUBLE)),
  (8, CAST(1.5 AS DOUBLE)) AS nums(k, x);
CREATE OR REPLACE TEMP VIEW decs AS SELECT CAST(a AS DECIMAL(10,2)) AS a, CAST(b AS DECIMAL(20,5)) AS b,
  CAST(c AS DECIMAL(38,18)) AS c, CAST(e AS DECIMAL(38,0)) AS e, k FROM VALUES
  (1.25, 2.5, 3.123456789012345678, 99999999999999999999999999999999999999, 1), (-7.10, 0.00001, -1.5, 1, 1),
  (0, 12345.67891, 0, -5, 2), (NULL, NULL, NULL, NULL, 2), (99999999.99, 99999.99999, 1e10, 0, 3)
  AS v(a, b, c, e, k);
CREATE OR REPLACE TEMP VIEW ev AS SELECT CAST(concat(ts, 'Z') AS TIMESTAMP) AS ts, CAST(ts AS TIMESTAMP_NTZ) AS ntz, u, v FROM VALUES
  ('2024-03-10 01:30:00', 'a', 1), ('2024-03-10 03:30:00', 'a', 2), ('2024-03-31 00:15:00', 'b', 3),
  ('2024-10-27 01:30:00', 'b', 4), ('2024-11-03 01:30:00', 'a', 5), (NULL, 'b', 6) AS v(ts, u, v);
CREATE OR REPLACE TEMP VIEW nest AS SELECT 1 AS id, array(named_struct('a', 1, 'b', 'x'), named_struct('a', 2, 'b', CAST(NULL AS STRING))) AS xs,
  map('p', array(1, 2), 'q', NULL) AS m, named_struct('u', named_struct('w', 5), 'z', array(1, NULL)) AS s
  UNION ALL SELECT 2, array(), map(), named_struct('u', NULL, 'z', NULL)
  UNION ALL SELECT 3, NULL, NULL, NULL;
CREATE OR REPLACE TEMP VIEW sales AS SELECT * FROM VALUES
  ('n', 'q1', 2020, 10), ('n', 'q2', 2020, 20), ('s', 'q1', 2020, 5), ('s', 'q1', 2021, 7), ('s', NULL, 2021, 1),
  (NULL, 'q2', 2021, NULL) AS sales(region, quarter, year, amount);
