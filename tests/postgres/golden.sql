-- a whole row
SELECT "name", "nick", "age", "score", "home", "home.city", "tags", "_id", "_created_at", "_updated_at", "_metadata", "_version"

-- name = "ann"
SELECT .. FROM "people" WHERE ("name" = $1)
$1: text = Text("ann")

-- nick = "bo"
SELECT .. FROM "people" WHERE ("nick" = $1)
$1: text = Text("bo")

-- name != "ann"
SELECT .. FROM "people" WHERE (NOT ("name" = $1))
$1: text = Text("ann")

-- nick != "bo"
SELECT .. FROM "people" WHERE (("nick" = $1) IS NOT TRUE)
$1: text = Text("bo")

-- not age > 18
SELECT .. FROM "people" WHERE (NOT ("age" > $1))
$1: integer = Int(18)

-- age >= 17.5
SELECT .. FROM "people" WHERE ("age" > $1)
$1: integer = Int(17)

-- age < 3000000000
SELECT .. FROM "people" WHERE TRUE

-- score <= 0.1
SELECT .. FROM "people" WHERE ("score"::double precision <= $1)
$1: double precision = Float(0.1)

-- age between 18 and 65
SELECT .. FROM "people" WHERE (("age" >= $1) AND ("age" <= $2))
$1: integer = Int(18)
$2: integer = Int(65)

-- nick not between "a" and "b"
SELECT .. FROM "people" WHERE ((("nick" >= $1) AND ("nick" <= $2)) IS NOT TRUE)
$1: text = Text("a")
$2: text = Text("b")

-- age in (1, 2, 3)
SELECT .. FROM "people" WHERE ("age" = ANY($1))
$1: integer[] = 3 items

-- nick not in ("a", "b")
SELECT .. FROM "people" WHERE (("nick" = ANY($1)) IS NOT TRUE)
$1: text[] = 2 items

-- age in ()
SELECT .. FROM "people" WHERE FALSE

-- nick is null
SELECT .. FROM "people" WHERE ("nick" IS NULL)

-- nick is not null
SELECT .. FROM "people" WHERE (NOT ("nick" IS NULL))

-- name is null
SELECT .. FROM "people" WHERE FALSE

-- name like "a%_\\%"
SELECT .. FROM "people" WHERE (("name" >= $1 AND "name" < $2) AND "name" LIKE $3)
$1: text = Text("a")
$2: text = Text("b")
$3: text = Text("a%_\\%")

-- nick ilike "A%"
SELECT .. FROM "people" WHERE (lower("nick") LIKE $1)
$1: text = Text("a%")

-- nick not like "%b"
SELECT .. FROM "people" WHERE (("nick" LIKE $1) IS NOT TRUE)
$1: text = Text("%b")

-- name starts with "an"
SELECT .. FROM "people" WHERE ("name" >= $1 AND "name" < $2)
$1: text = Text("an")
$2: text = Text("ao")

-- nick ends with "n%"
SELECT .. FROM "people" WHERE ("nick" LIKE $1)
$1: text = Text("%n\\%")

-- name contains "n_"
SELECT .. FROM "people" WHERE (strpos("name", $1) > 0)
$1: text = Text("n_")

-- tags contains "x"
SELECT .. FROM "people" WHERE ($1 = ANY("tags"))
$1: text = Text("x")

-- len(tags) > 2
SELECT .. FROM "people" WHERE (cardinality("tags") > $1)
$1: integer = Int(2)

-- home.city = "Oslo"
SELECT .. FROM "people" WHERE ("home.city" = $1)
$1: text = Text("Oslo")

-- home is null
SELECT .. FROM "people" WHERE ("home" IS NULL)

-- _metadata.source = "csv"
SELECT .. FROM "people" WHERE (("_metadata" -> 'source') = $1)
$1: jsonb = "csv"

-- _id = "a"
SELECT .. FROM "people" WHERE ("_id" = $1)
$1: text = Text("a")

-- name = "ann" and (nick = "bo" or age > 18)
SELECT .. FROM "people" WHERE (("name" = $1) AND (("nick" = $2) OR ("age" > $3)))
$1: text = Text("ann")
$2: text = Text("bo")
$3: integer = Int(18)

-- not (name = "ann" and nick = "bo")
SELECT .. FROM "people" WHERE ((("name" = $1) AND ("nick" = $2)) IS NOT TRUE)
$1: text = Text("ann")
$2: text = Text("bo")

-- all
SELECT .. FROM "people"

-- none
SELECT .. FROM "people" WHERE FALSE

-- by age
SELECT .. FROM "people" ORDER BY "age", "_id" LIMIT $1
$1: bigint = Int(2)

-- by age, the next page
SELECT .. FROM "people" WHERE (("age", "_id") > ($1, $2)) ORDER BY "age", "_id" LIMIT $3
$1: integer = Int(1)
$2: text = Text("1")
$3: bigint = Int(2)

-- by age desc
SELECT .. FROM "people" ORDER BY "age" DESC, "_id" DESC LIMIT $1
$1: bigint = Int(2)

-- by age desc, the next page
SELECT .. FROM "people" WHERE (("age", "_id") < ($1, $2)) ORDER BY "age" DESC, "_id" DESC LIMIT $3
$1: integer = Int(2)
$2: text = Text("2")
$3: bigint = Int(2)

-- by nick
SELECT .. FROM "people" ORDER BY "nick", "_id" LIMIT $1
$1: bigint = Int(2)

-- by nick, the next page
WITH _values AS MATERIALIZED (SELECT * FROM "people" WHERE (("nick", "_id") > ($1, $2)) ORDER BY "nick", "_id" LIMIT $3) SELECT .. FROM (SELECT * FROM _values UNION ALL (SELECT * FROM "people" WHERE "nick" IS NULL AND (SELECT count(*) FROM _values) < $3 ORDER BY "_id" LIMIT $3)) AS _page ORDER BY "nick", "_id" LIMIT $3
$1: text = Text("nick 3")
$2: text = Text("3")
$3: bigint = Int(2)

-- by nick desc
SELECT .. FROM "people" ORDER BY "nick" DESC NULLS LAST, "_id" DESC LIMIT $1
$1: bigint = Int(2)

-- by nick desc, the next page
WITH _values AS MATERIALIZED (SELECT * FROM "people" WHERE (("nick", "_id") < ($1, $2)) ORDER BY "nick" DESC NULLS LAST, "_id" DESC LIMIT $3) SELECT .. FROM (SELECT * FROM _values UNION ALL (SELECT * FROM "people" WHERE "nick" IS NULL AND (SELECT count(*) FROM _values) < $3 ORDER BY "_id" DESC LIMIT $3)) AS _page ORDER BY "nick" DESC NULLS LAST, "_id" DESC LIMIT $3
$1: text = Text("nick 1")
$2: text = Text("1")
$3: bigint = Int(2)

-- by nick nulls first, age desc
SELECT .. FROM "people" ORDER BY "nick" NULLS FIRST, "age" DESC, "_id" DESC LIMIT $1
$1: bigint = Int(2)

-- by nick nulls first, age desc, the next page
SELECT .. FROM "people" WHERE ("nick" IS NOT NULL OR ("nick" IS NULL AND ("age" < $1 OR ("age" = $2 AND ("_id" < $3))))) ORDER BY "nick" NULLS FIRST, "age" DESC, "_id" DESC LIMIT $4
$1: integer = Int(0)
$2: integer = Int(0)
$3: text = Text("0")
$4: bigint = Int(2)

-- by _id desc
SELECT .. FROM "people" ORDER BY "_id" DESC LIMIT $1
$1: bigint = Int(2)

-- by _id desc, the next page
SELECT .. FROM "people" WHERE (("_id") < ($1)) ORDER BY "_id" DESC LIMIT $2
$1: text = Text("2")
$2: bigint = Int(2)

-- by home.city
SELECT .. FROM "people" ORDER BY "home.city", "_id" LIMIT $1
$1: bigint = Int(2)

-- by home.city, the next page
SELECT .. FROM "people" WHERE (FALSE OR ("home.city" IS NULL AND ("_id" > $1))) ORDER BY "home.city", "_id" LIMIT $2
$1: text = Text("1")
$2: bigint = Int(2)

-- a page without keys
SELECT .. FROM "people" ORDER BY "_id" LIMIT $1 OFFSET $2
$1: bigint = Int(3)
$2: bigint = Int(4)

-- a projection
SELECT "name", "_id", "_created_at", "_updated_at", "_metadata", "_version" FROM "people" WHERE ("name" = $1)
$1: text = Text("ann")

-- columns: create
INSERT INTO "people" ("name", "nick", "age", "score", "home", "home.city", "tags", "_id", "_version", "_created_at", "_updated_at", "_metadata") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)

-- columns: read
SELECT .. FROM "people" WHERE "_id" = $1

-- columns: update
UPDATE "people" SET "name" = $1, "nick" = $2, "age" = $3, "score" = $4, "home" = $5, "home.city" = $6, "tags" = $7, "_version" = $8, "_updated_at" = GREATEST("_updated_at", $9) WHERE "_id" = $10

-- columns: save
SELECT .. FROM "people" WHERE "_id" = $1;
UPDATE "people" SET "name" = $1, "nick" = $2, "age" = $3, "score" = $4, "home" = $5, "home.city" = $6, "tags" = $7, "_version" = $8, "_updated_at" = GREATEST("_updated_at", $9), "_metadata" = $10 WHERE "_id" = $11 AND "_version" = $12

-- columns: upsert
INSERT INTO "people" ("name", "nick", "age", "score", "home", "home.city", "tags", "_id", "_version", "_created_at", "_updated_at", "_metadata") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT ("_id") DO UPDATE SET "name" = EXCLUDED."name", "nick" = EXCLUDED."nick", "age" = EXCLUDED."age", "score" = EXCLUDED."score", "home" = EXCLUDED."home", "home.city" = EXCLUDED."home.city", "tags" = EXCLUDED."tags", "_version" = EXCLUDED."_version", "_updated_at" = GREATEST("people"."_updated_at", EXCLUDED."_updated_at") RETURNING (xmax = 0)

-- columns: upsert with metadata
INSERT INTO "people" ("name", "nick", "age", "score", "home", "home.city", "tags", "_id", "_version", "_created_at", "_updated_at", "_metadata") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT ("_id") DO UPDATE SET "name" = EXCLUDED."name", "nick" = EXCLUDED."nick", "age" = EXCLUDED."age", "score" = EXCLUDED."score", "home" = EXCLUDED."home", "home.city" = EXCLUDED."home.city", "tags" = EXCLUDED."tags", "_version" = EXCLUDED."_version", "_updated_at" = GREATEST("people"."_updated_at", EXCLUDED."_updated_at"), "_metadata" = EXCLUDED."_metadata" RETURNING (xmax = 0)

-- columns: update_where
UPDATE "people" SET "age" = $1, "_version" = $2, "_updated_at" = GREATEST("_updated_at", $3) WHERE ("_id" = $4)

-- columns: delete
DELETE FROM "people" WHERE "_id" = $1

-- columns: create_batch
SELECT attname::text, atttypid FROM pg_attribute WHERE attrelid = to_regclass($1::text) AND attnum > 0 AND NOT attisdropped;
COPY "people" ("name", "nick", "age", "score", "home", "home.city", "tags", "_id", "_version", "_created_at", "_updated_at", "_metadata") FROM STDIN BINARY;
COPY DONE

-- columns: upsert_batch
BEGIN;
CREATE TEMPORARY TABLE _dk_stage ON COMMIT DROP AS SELECT "name", "nick", "age", "score", "home", "home.city", "tags", "_id", "_version", "_created_at", "_updated_at", "_metadata" FROM "people" WITH NO DATA;
SELECT attname::text, atttypid FROM pg_attribute WHERE attrelid = to_regclass($1::text) AND attnum > 0 AND NOT attisdropped;
COPY _dk_stage FROM STDIN BINARY;
COPY DONE;
COPY (INSERT INTO "people" ("name", "nick", "age", "score", "home", "home.city", "tags", "_id", "_version", "_created_at", "_updated_at", "_metadata") SELECT "name", "nick", "age", "score", "home", "home.city", "tags", "_id", "_version", "_created_at", "_updated_at", "_metadata" FROM _dk_stage ON CONFLICT ("_id") DO UPDATE SET "name" = EXCLUDED."name", "nick" = EXCLUDED."nick", "age" = EXCLUDED."age", "score" = EXCLUDED."score", "home" = EXCLUDED."home", "home.city" = EXCLUDED."home.city", "tags" = EXCLUDED."tags", "_version" = EXCLUDED."_version", "_updated_at" = GREATEST("people"."_updated_at", EXCLUDED."_updated_at") RETURNING (xmax = 0)) TO STDOUT BINARY;
DROP TABLE _dk_stage;
SELECT pg_current_xact_id_if_assigned()::text::bigint;
COMMIT

-- columns: delete_batch
DELETE FROM "people" WHERE "_id" = ANY($1) RETURNING "_id"

-- document: age = 3
SELECT "_data", "_id", "_created_at", "_updated_at", "_metadata", "_version" FROM "notes" WHERE ((("_data" -> 'age') #>> '{}')::integer = $1)
$1: integer = Int(3)

-- document: nick not like "a%"
SELECT "_data", "_id", "_created_at", "_updated_at", "_metadata", "_version" FROM "notes" WHERE (((((("_data" -> 'nick') #>> '{}') COLLATE "C") >= $1 AND ((("_data" -> 'nick') #>> '{}') COLLATE "C") < $2) AND ((("_data" -> 'nick') #>> '{}') COLLATE "C") LIKE $3) IS NOT TRUE)
$1: text = Text("a")
$2: text = Text("b")
$3: text = Text("a%")

-- document: home.city = "Oslo"
SELECT "_data", "_id", "_created_at", "_updated_at", "_metadata", "_version" FROM "notes" WHERE (((("_data" -> 'home' -> '$record' -> 'city') #>> '{}') COLLATE "C") = $1)
$1: text = Text("Oslo")

-- document: create
INSERT INTO "notes" ("_data", "_id", "_version", "_created_at", "_updated_at", "_metadata") VALUES ($1, $2, $3, $4, $5, $6)

-- document: read
SELECT "_data", "_id", "_created_at", "_updated_at", "_metadata", "_version" FROM "notes" WHERE "_id" = $1

-- document: update
UPDATE "notes" SET "_data" = (("_data" - ARRAY['name', 'nick', 'age', 'score', 'home', 'tags']::text[]) || $1 || CASE WHEN jsonb_typeof(("_data" -> 'home' -> '$record')) = 'object' AND jsonb_typeof(($1 -> 'home' -> '$record')) = 'object' THEN jsonb_build_object('home'::text, jsonb_build_object('$record'::text, ((("_data" -> 'home' -> '$record') - ARRAY['city']::text[]) || ($1 -> 'home' -> '$record')))) ELSE '{}'::jsonb END), "_version" = $2, "_updated_at" = GREATEST("_updated_at", $3) WHERE "_id" = $4

-- document: save
SELECT "_data", "_id", "_created_at", "_updated_at", "_metadata", "_version" FROM "notes" WHERE "_id" = $1;
UPDATE "notes" SET "_data" = (("_data" - ARRAY['name', 'nick', 'age', 'score', 'home', 'tags']::text[]) || $1 || CASE WHEN jsonb_typeof(("_data" -> 'home' -> '$record')) = 'object' AND jsonb_typeof(($1 -> 'home' -> '$record')) = 'object' THEN jsonb_build_object('home'::text, jsonb_build_object('$record'::text, ((("_data" -> 'home' -> '$record') - ARRAY['city']::text[]) || ($1 -> 'home' -> '$record')))) ELSE '{}'::jsonb END), "_version" = $2, "_updated_at" = GREATEST("_updated_at", $3), "_metadata" = $4 WHERE "_id" = $5 AND "_version" = $6

-- document: upsert
INSERT INTO "notes" ("_data", "_id", "_version", "_created_at", "_updated_at", "_metadata") VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT ("_id") DO UPDATE SET "_data" = (("notes"."_data" - ARRAY['name', 'nick', 'age', 'score', 'home', 'tags']::text[]) || EXCLUDED."_data" || CASE WHEN jsonb_typeof(("notes"."_data" -> 'home' -> '$record')) = 'object' AND jsonb_typeof((EXCLUDED."_data" -> 'home' -> '$record')) = 'object' THEN jsonb_build_object('home'::text, jsonb_build_object('$record'::text, ((("notes"."_data" -> 'home' -> '$record') - ARRAY['city']::text[]) || (EXCLUDED."_data" -> 'home' -> '$record')))) ELSE '{}'::jsonb END), "_version" = EXCLUDED."_version", "_updated_at" = GREATEST("notes"."_updated_at", EXCLUDED."_updated_at") RETURNING (xmax = 0)

-- document: upsert with metadata
INSERT INTO "notes" ("_data", "_id", "_version", "_created_at", "_updated_at", "_metadata") VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT ("_id") DO UPDATE SET "_data" = (("notes"."_data" - ARRAY['name', 'nick', 'age', 'score', 'home', 'tags']::text[]) || EXCLUDED."_data" || CASE WHEN jsonb_typeof(("notes"."_data" -> 'home' -> '$record')) = 'object' AND jsonb_typeof((EXCLUDED."_data" -> 'home' -> '$record')) = 'object' THEN jsonb_build_object('home'::text, jsonb_build_object('$record'::text, ((("notes"."_data" -> 'home' -> '$record') - ARRAY['city']::text[]) || (EXCLUDED."_data" -> 'home' -> '$record')))) ELSE '{}'::jsonb END), "_version" = EXCLUDED."_version", "_updated_at" = GREATEST("notes"."_updated_at", EXCLUDED."_updated_at"), "_metadata" = EXCLUDED."_metadata" RETURNING (xmax = 0)

-- document: update_where
SELECT "_data", "_id", "_created_at", "_updated_at", "_metadata", "_version" FROM "notes" WHERE ("_id" = $1);
SELECT "_data", "_id", "_created_at", "_updated_at", "_metadata", "_version" FROM "notes" WHERE "_id" = $1;
UPDATE "notes" SET "_data" = (("_data" - ARRAY['name', 'nick', 'age', 'score', 'home', 'tags']::text[]) || $1 || CASE WHEN jsonb_typeof(("_data" -> 'home' -> '$record')) = 'object' AND jsonb_typeof(($1 -> 'home' -> '$record')) = 'object' THEN jsonb_build_object('home'::text, jsonb_build_object('$record'::text, ((("_data" -> 'home' -> '$record') - ARRAY['city']::text[]) || ($1 -> 'home' -> '$record')))) ELSE '{}'::jsonb END), "_version" = $2, "_updated_at" = GREATEST("_updated_at", $3) WHERE "_id" = $4 AND "_version" = $5

-- document: delete
DELETE FROM "notes" WHERE "_id" = $1

-- document: create_batch
SELECT attname::text, atttypid FROM pg_attribute WHERE attrelid = to_regclass($1::text) AND attnum > 0 AND NOT attisdropped;
COPY "notes" ("_data", "_id", "_version", "_created_at", "_updated_at", "_metadata") FROM STDIN BINARY;
COPY DONE

-- document: upsert_batch
BEGIN;
CREATE TEMPORARY TABLE _dk_stage ON COMMIT DROP AS SELECT "_data", "_id", "_version", "_created_at", "_updated_at", "_metadata" FROM "notes" WITH NO DATA;
SELECT attname::text, atttypid FROM pg_attribute WHERE attrelid = to_regclass($1::text) AND attnum > 0 AND NOT attisdropped;
COPY _dk_stage FROM STDIN BINARY;
COPY DONE;
COPY (INSERT INTO "notes" ("_data", "_id", "_version", "_created_at", "_updated_at", "_metadata") SELECT "_data", "_id", "_version", "_created_at", "_updated_at", "_metadata" FROM _dk_stage ON CONFLICT ("_id") DO UPDATE SET "_data" = (("notes"."_data" - ARRAY['name', 'nick', 'age', 'score', 'home', 'tags']::text[]) || EXCLUDED."_data" || CASE WHEN jsonb_typeof(("notes"."_data" -> 'home' -> '$record')) = 'object' AND jsonb_typeof((EXCLUDED."_data" -> 'home' -> '$record')) = 'object' THEN jsonb_build_object('home'::text, jsonb_build_object('$record'::text, ((("notes"."_data" -> 'home' -> '$record') - ARRAY['city']::text[]) || (EXCLUDED."_data" -> 'home' -> '$record')))) ELSE '{}'::jsonb END), "_version" = EXCLUDED."_version", "_updated_at" = GREATEST("notes"."_updated_at", EXCLUDED."_updated_at") RETURNING (xmax = 0)) TO STDOUT BINARY;
DROP TABLE _dk_stage;
SELECT pg_current_xact_id_if_assigned()::text::bigint;
COMMIT

-- document: delete_batch
DELETE FROM "notes" WHERE "_id" = ANY($1) RETURNING "_id"

