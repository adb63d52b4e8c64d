//! Questions to one store beside the same work by its native client, and questions over several stores beside one Postgres
//! that holds everything.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::TryStreamExt;
use medley_engine::Session;
use mongodb::bson::{Document, doc};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use xtask::data::database;
use xtask::stores::Store;

use crate::SCALE_FACTOR;

/// Times that a question is asked before it counts, and then.
const WARM: usize = 3;
const RUNS: usize = 7;

/// The same work without Medley.
enum Native {
    /// SQL in Postgres, where all tables are.
    Postgres(&'static str),
    /// A pipeline.
    Mongodb(&'static str, fn() -> Vec<Document>),
    /// Cypher.
    Neo4j(&'static str),
    /// Commands, in one pipeline.
    Redis(fn() -> Vec<Vec<String>>),
}

struct Question {
    name: &'static str,
    sql: &'static str,
    native: Native,
}

/// Runs all and prints a table.
///
/// # Errors
/// A store or a statement that fails.
pub(crate) async fn run(session: &Session) -> Result<()> {
    let natives = Natives::connect().await?;
    println!("| question | rows | Medley ms | native ms | ratio |\n|---|---|---|---|---|");
    for (title, questions) in [("one store", one_store()), ("several stores", several_stores())] {
        let mut product = 1.0_f64;
        for question in &questions {
            let (rows, medley) = best(async || ask(session, question.sql).await)
                .await
                .with_context(|| question.name)?;
            let (_, native) = best(async || natives.run(&question.native).await)
                .await
                .with_context(|| question.name)?;
            let ratio = medley.as_secs_f64() / native.as_secs_f64();
            product *= ratio;
            println!(
                "| {} | {rows} | {:.2} | {:.2} | {ratio:.2} |",
                question.name,
                medley.as_secs_f64() * 1e3,
                native.as_secs_f64() * 1e3
            );
        }
        let count = f64::from(u32::try_from(questions.len())?);
        println!("| **{title}, geometric mean** | | | | **{:.2}** |", product.powf(1.0 / count));
    }
    Ok(())
}

async fn best(run: impl AsyncFn() -> Result<usize>) -> Result<(usize, Duration)> {
    for _ in 0..WARM {
        run().await?;
    }
    let (mut rows, mut best) = (0, Duration::MAX);
    for _ in 0..RUNS {
        let started = Instant::now();
        rows = run().await?;
        best = best.min(started.elapsed());
    }
    Ok((rows, best))
}

async fn ask(session: &Session, sql: &str) -> Result<usize> {
    let answer = session.sql(sql).await?;
    let batches: Vec<_> = answer.stream.try_collect().await?;
    Ok(batches.iter().map(arrow::array::RecordBatch::num_rows).sum())
}

struct Natives {
    postgres: tokio::sync::Mutex<PgConnection>,
    mongodb: mongodb::Database,
    neo4j: neo4rs::Graph,
    redis: redis::aio::MultiplexedConnection,
}

impl Natives {
    async fn connect() -> Result<Self> {
        let name = database(SCALE_FACTOR);
        let postgres = PgConnection::connect(&Store::Postgres.url(&name)).await?;
        let mongodb = mongodb::Client::with_uri_str(Store::Mongodb.url(&name)).await?;
        let neo4j = neo4rs::Graph::new(
            format!("127.0.0.1:{}", Store::Neo4j.port()),
            "neo4j",
            xtask::stores::PASSWORD,
        )?;
        let redis = redis::Client::open(Store::Redis.url("0"))?;
        Ok(Self {
            postgres: postgres.into(),
            mongodb: mongodb.database(&name),
            neo4j,
            redis: redis.get_multiplexed_async_connection().await?,
        })
    }

    async fn run(&self, native: &Native) -> Result<usize> {
        match native {
            Native::Postgres(sql) => {
                let mut connection = self.postgres.lock().await;
                let query = sqlx::query(AssertSqlSafe(*sql));
                Ok(query.fetch_all(&mut *connection).await?.len())
            }
            Native::Mongodb(collection, pipeline) => {
                let collection = self.mongodb.collection::<Document>(collection);
                let cursor = collection.aggregate(pipeline());
                Ok(cursor.await?.try_collect::<Vec<_>>().await?.len())
            }
            Native::Neo4j(cypher) => {
                let mut rows = self.neo4j.execute_read(neo4rs::query(cypher)).await?;
                let mut count = 0;
                while rows.next().await?.is_some() {
                    count += 1;
                }
                Ok(count)
            }
            Native::Redis(commands) => {
                let mut pipeline = redis::pipe();
                for command in commands() {
                    let (name, arguments) = command.split_first().context("a command")?;
                    pipeline.cmd(name).arg(arguments);
                }
                let values: Vec<redis::Value> =
                    pipeline.query_async(&mut self.redis.clone()).await?;
                Ok(values.len())
            }
        }
    }
}

fn one_store() -> Vec<Question> {
    [postgres(), mongodb(), neo4j_and_redis()].into_iter().flatten().collect()
}

fn postgres() -> Vec<Question> {
    vec![
        Question {
            name: "Postgres: a row by its key",
            sql: "SELECT * FROM pg.orders WHERE o_orderkey = 7",
            native: Native::Postgres("SELECT * FROM orders WHERE o_orderkey = 7"),
        },
        Question {
            name: "Postgres: filter",
            sql: "SELECT o_orderkey, o_totalprice FROM pg.orders WHERE o_totalprice > 400000",
            native: Native::Postgres(
                "SELECT o_orderkey, o_totalprice FROM orders WHERE o_totalprice > 400000",
            ),
        },
        Question {
            name: "Postgres: group by",
            sql: "SELECT l_returnflag, l_linestatus, sum(l_quantity), count(*) FROM pg.lineitem GROUP BY 1, 2",
            native: Native::Postgres(
                "SELECT l_returnflag, l_linestatus, sum(l_quantity), count(*) FROM lineitem GROUP BY 1, 2",
            ),
        },
        Question {
            name: "Postgres: top ten",
            sql: "SELECT o_orderkey, o_totalprice FROM pg.orders ORDER BY o_totalprice DESC LIMIT 10",
            native: Native::Postgres(
                "SELECT o_orderkey, o_totalprice FROM orders ORDER BY o_totalprice DESC LIMIT 10",
            ),
        },
        Question {
            name: "Postgres: join and group",
            sql: "SELECT c_mktsegment, count(*), sum(o_totalprice) FROM pg.orders JOIN pg.customer ON o_custkey = c_custkey GROUP BY 1",
            native: Native::Postgres(
                "SELECT c_mktsegment, count(*), sum(o_totalprice) FROM orders JOIN customer ON o_custkey = c_custkey GROUP BY 1",
            ),
        },
        Question {
            name: "Postgres: count",
            sql: "SELECT count(*) FROM pg.lineitem",
            native: Native::Postgres("SELECT count(*) FROM lineitem"),
        },
    ]
}

fn mongodb() -> Vec<Question> {
    vec![
        Question {
            name: "MongoDB: documents by a key",
            sql: "SELECT * FROM docs.orders WHERE o_orderkey = 7",
            native: Native::Mongodb("orders", || vec![doc! { "$match": { "o_orderkey": 7 } }]),
        },
        Question {
            name: "MongoDB: group by",
            sql: "SELECT o_orderpriority, count(*) FROM docs.orders GROUP BY 1",
            native: Native::Mongodb("orders", || {
                vec![doc! { "$group": { "_id": "$o_orderpriority", "n": { "$sum": 1 } } }]
            }),
        },
        Question {
            name: "MongoDB: sum by group",
            sql: "SELECT l_returnflag, sum(l_quantity) FROM docs.lineitem GROUP BY 1",
            native: Native::Mongodb("lineitem", || {
                vec![doc! { "$group": { "_id": "$l_returnflag", "n": { "$sum": "$l_quantity" } } }]
            }),
        },
        Question {
            name: "MongoDB: top ten",
            sql: "SELECT o_orderkey, o_totalprice FROM docs.orders ORDER BY o_totalprice DESC LIMIT 10",
            native: Native::Mongodb("orders", || {
                vec![
                    doc! { "$sort": { "o_totalprice": -1 } },
                    doc! { "$limit": 10 },
                    doc! { "$project": { "o_orderkey": 1, "o_totalprice": 1 } },
                ]
            }),
        },
        Question {
            name: "MongoDB: a nested filter",
            sql: "SELECT count(*) FROM docs.orders_nested o WHERE o.customer.address.nation = 'CANADA'",
            native: Native::Mongodb("orders_nested", || {
                vec![
                    doc! { "$match": { "customer.address.nation": "CANADA" } },
                    doc! { "$count": "n" },
                ]
            }),
        },
    ]
}

fn neo4j_and_redis() -> Vec<Question> {
    vec![
        Question {
            name: "Neo4j: group by",
            sql: "SELECT c_mktsegment, count(*) FROM graph.\"Customer\" GROUP BY 1",
            native: Native::Neo4j("MATCH (c:Customer) RETURN c.c_mktsegment, count(*)"),
        },
        Question {
            name: "Neo4j: a path",
            sql: "SELECT count(*) FROM graph.\"Customer\" a JOIN graph.\"KNOWS\" k ON k._start = a._id \
                  JOIN graph.\"Customer\" b ON b._id = k._end WHERE a.c_custkey = 7",
            native: Native::Neo4j(
                "MATCH (a:Customer {c_custkey: 7})-[k:KNOWS]->(b:Customer) RETURN count(*)",
            ),
        },
        Question {
            name: "Redis: a hundred keys",
            sql: "SELECT c_name, c_acctbal FROM cache.customer WHERE c_custkey IN (1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50)",
            native: Native::Redis(|| {
                let key = |k: i32| format!("customer:{k}");
                (1..=50)
                    .map(|k| {
                        vec![
                            "HMGET".to_owned(),
                            key(k),
                            "c_name".to_owned(),
                            "c_acctbal".to_owned(),
                        ]
                    })
                    .collect()
            }),
        },
    ]
}

fn several_stores() -> Vec<Question> {
    vec![
        Question {
            name: "one customer's orders (Postgres, MongoDB)",
            sql: "SELECT c.c_name, o.o_orderkey, o.o_totalprice FROM docs.customer c JOIN pg.orders o ON o.o_custkey = c.c_custkey WHERE c.c_custkey = 370",
            native: Native::Postgres(
                "SELECT c.c_name, o.o_orderkey, o.o_totalprice FROM customer c JOIN orders o ON o.o_custkey = c.c_custkey WHERE c.c_custkey = 370",
            ),
        },
        Question {
            name: "a day's customers (Postgres, Redis)",
            sql: "SELECT c.c_name, o.o_totalprice FROM pg.orders o JOIN cache.customer c ON c.c_custkey = o.o_custkey WHERE o.o_orderdate = DATE '1995-03-01'",
            native: Native::Postgres(
                "SELECT c.c_name, o.o_totalprice FROM orders o JOIN customer c ON c.c_custkey = o.o_custkey WHERE o.o_orderdate = DATE '1995-03-01'",
            ),
        },
        Question {
            name: "a nation's best customers' orders (Neo4j, MongoDB, Postgres)",
            sql: "SELECT c.c_name, sum(o.o_totalprice) FROM graph.\"Nation\" n JOIN docs.customer c ON c.c_nationkey = n.n_nationkey JOIN pg.orders o ON o.o_custkey = c.c_custkey WHERE n.n_name = 'CANADA' AND c.c_acctbal > 9000 GROUP BY 1",
            native: Native::Postgres(
                "SELECT c.c_name, sum(o.o_totalprice) FROM nation n JOIN customer c ON c.c_nationkey = n.n_nationkey JOIN orders o ON o.o_custkey = c.c_custkey WHERE n.n_name = 'CANADA' AND c.c_acctbal > 9000 GROUP BY 1",
            ),
        },
        Question {
            name: "customers without orders (MongoDB, Postgres)",
            sql: "SELECT count(*) FROM docs.customer c WHERE NOT EXISTS (SELECT 1 FROM pg.orders o WHERE o.o_custkey = c.c_custkey)",
            native: Native::Postgres(
                "SELECT count(*) FROM customer c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.o_custkey = c.c_custkey)",
            ),
        },
        Question {
            name: "revenue by nation (Postgres, MongoDB, Neo4j)",
            sql: "SELECT n.n_name, sum(o.o_totalprice) FROM pg.orders o JOIN docs.customer c ON o.o_custkey = c.c_custkey JOIN graph.\"Nation\" n ON n.n_nationkey = c.c_nationkey GROUP BY 1",
            native: Native::Postgres(
                "SELECT n.n_name, sum(o.o_totalprice) FROM orders o JOIN customer c ON o.o_custkey = c.c_custkey JOIN nation n ON n.n_nationkey = c.c_nationkey GROUP BY 1",
            ),
        },
        Question {
            name: "parts of one kind sold in a month (Neo4j, Postgres)",
            sql: "SELECT p.p_brand, sum(l.l_extendedprice) FROM graph.\"Part\" p JOIN pg.lineitem l ON l.l_partkey = p.p_partkey WHERE p.p_type = 'PROMO BURNISHED COPPER' AND l.l_shipdate < DATE '1993-01-01' GROUP BY 1",
            native: Native::Postgres(
                "SELECT p.p_brand, sum(l.l_extendedprice) FROM part p JOIN lineitem l ON l.l_partkey = p.p_partkey WHERE p.p_type = 'PROMO BURNISHED COPPER' AND l.l_shipdate < DATE '1993-01-01' GROUP BY 1",
            ),
        },
        Question {
            name: "a union of names (MongoDB, Postgres)",
            sql: "SELECT c_name FROM docs.customer WHERE c_custkey < 50 UNION SELECT s_name FROM pg.supplier WHERE s_suppkey < 50",
            native: Native::Postgres(
                "SELECT c_name::text FROM customer WHERE c_custkey < 50 UNION SELECT s_name::text FROM supplier WHERE s_suppkey < 50",
            ),
        },
    ]
}
