//! The demo's scratch workspace: a few dozen files of a small shop, its database and its CRM, the same on every machine.
//!
//! No chance, and of the clock only the day from which the CRM counts back: what the demo says of it can be checked. Writes only into the folder it is given and replaces nothing
//! there. Called by `cli::demo`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::Utc;
use rusqlite::Connection;

use crate::servers::crm;

/// Where the workspace lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// The folder with the files.
    pub files: PathBuf,
    /// The shop's SQLite database; beside the folder, not in it.
    pub database: PathBuf,
    /// The CRM's SQLite store, beside them.
    pub crm: PathBuf,
    /// Where the file server keeps its trash: it goes when the workspace goes.
    pub data: PathBuf,
}

/// Name in the workspace and content. The names in the repository are plain, so that every file system can check them out.
macro_rules! file {
    ($name:literal, $source:literal) => {
        (
            $name,
            include_str!(concat!("../../../assets/demo/files/", $source)),
        )
    };
}

#[rustfmt::skip]
const FILES: &[(&str, &str)] = &[
    file!("README.md", "README.md"),
    file!("data/khách hàng mới.csv", "data/khach-hang-moi.csv"),
    file!("data/opening-hours.json", "data/opening-hours.json"),
    file!("data/products.csv", "data/products.csv"),
    file!("data/shipping-zones.csv", "data/shipping-zones.csv"),
    file!("data/stock.json", "data/stock.json"),
    file!("design/about.md", "design/about.md"),
    file!("design/colours.json", "design/colours.json"),
    file!("design/giới thiệu.md", "design/gioi-thieu.md"),
    file!("notes/☕ ideas.txt", "notes/coffee-ideas.txt"),
    file!("notes/ghi chú họp.txt", "notes/ghi-chu-hop.txt"),
    file!("notes/供应商.txt", "notes/gong-ying-shang.txt"),
    file!("notes/consulting.md", "notes/consulting.md"),
    file!("notes/onboarding.md", "notes/onboarding.md"),
    file!("notes/supplier-call.md", "notes/supplier-call.md"),
    file!("notes/việc cần làm.md", "notes/viec-can-lam.md"),
    file!("reports/báo cáo tháng 10.md", "reports/bao-cao-thang-10.md"),
    file!("reports/báo cáo tháng 11.md", "reports/bao-cao-thang-11.md"),
    file!("reports/q3-summary.md", "reports/q3-summary.md"),
    file!("scripts/backup.sh", "scripts/backup.sh"),
    file!("scripts/cleanup/rename_photos.py", "scripts/cleanup/rename_photos.py"),
    file!("scripts/reports/monthly.py", "scripts/reports/monthly.py"),
    file!("src/shop/__init__.py", "src/shop/__init__.py"),
    file!("src/shop/api/client.py", "src/shop/api/client.py"),
    file!("src/shop/models/customer.py", "src/shop/models/customer.py"),
    file!("src/shop/models/order.py", "src/shop/models/order.py"),
    file!("src/shop/money.py", "src/shop/money.py"),
    file!("tests/test_money.py", "tests/test_money.py"),
    file!("tests/test_order.py", "tests/test_order.py"),
];

/// Schema and rows of the shop.
const SHOP: &str = include_str!("../../../assets/demo/shop.sql");

/// Who is known to the shop, and since when.
const CRM: &str = include_str!("../../../assets/demo/crm.toml");

/// Makes the workspace in `dir`, which is made when it is missing.
///
/// # Errors
/// A file of the workspace exists already, or the folder cannot be written.
pub fn create(dir: &Path) -> io::Result<Workspace> {
    let workspace = Workspace {
        files: dir.join("files"),
        database: dir.join("shop.db"),
        crm: dir.join("crm.db"),
        data: dir.join("data"),
    };
    for (name, content) in FILES {
        let path = workspace.files.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::File::create_new(path)?.write_all(content.as_bytes())?;
    }
    // Claims the name first, so that a database that is there is never written to.
    fs::File::create_new(&workspace.database)?;
    Connection::open(&workspace.database)
        .and_then(|connection| connection.execute_batch(SHOP))
        .map_err(io::Error::other)?;
    fs::File::create_new(&workspace.crm)?;
    crm::seed(
        &format!("sqlite:{}", workspace.crm.display()),
        CRM,
        Utc::now(),
    )
    .map_err(io::Error::other)?;
    Ok(workspace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(database: &Path, sql: &str) -> Vec<i64> {
        let connection = Connection::open(database).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn the_workspace_is_the_same_each_time_and_holds_what_the_demo_needs() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let one = create(a.path()).unwrap();
        let two = create(b.path()).unwrap();
        assert_eq!(
            fs::read(&one.database).unwrap(),
            fs::read(&two.database).unwrap()
        );
        let scripts = FILES.iter().filter(|(name, _)| name.ends_with(".py"));
        assert!(scripts.count() >= 6);
        assert!(one.files.join("reports/báo cáo tháng 11.md").is_file());
        assert!(FILES.len() >= 24);
    }

    #[test]
    fn the_shop_is_consistent_and_has_one_best_customer() {
        let dir = tempfile::tempdir().unwrap();
        let shop = create(dir.path()).unwrap().database;
        let wrong = "SELECT o.id FROM orders o JOIN order_items i ON i.order_id = o.id GROUP BY o.id \
                     HAVING abs(sum(i.quantity * i.unit_price) - o.total) > 0.001";
        assert_eq!(numbers(&shop, wrong), Vec::<i64>::new());
        assert_eq!(
            numbers(&shop, "SELECT count(*) FROM pragma_foreign_key_check"),
            [0]
        );
        assert_eq!(
            numbers(
                &shop,
                "SELECT count(*) FROM customers UNION ALL SELECT count(*) FROM orders"
            ),
            [25, 80]
        );
        let best = numbers(
            &shop,
            "SELECT CAST(round(sum(total) * 100) AS INTEGER) FROM orders GROUP BY customer_id ORDER BY 1 DESC LIMIT 2",
        );
        assert!(
            matches!(best[..], [first, second] if first > 2 * second),
            "{best:?}"
        );
    }

    #[test]
    fn nothing_that_is_there_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        create(dir.path()).unwrap();
        fs::write(dir.path().join("files/README.md"), "mine").unwrap();
        assert!(create(dir.path()).is_err());
        let kept = fs::read_to_string(dir.path().join("files/README.md")).unwrap();
        assert_eq!(kept, "mine");
    }
}
