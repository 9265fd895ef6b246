//! The smallest park: one building with a meter at the grid.

/// Its park file: building `centre` in zone `yard`, meter `centre.in`, on the wall's clock. The English name is the id.
pub fn one_building(id: &str, name_zh: &str) -> String {
    format!(
        r#"
[park]
id = "{id}"
name = {{ en = "{id}", zh = "{name_zh}" }}
time_zone = "Asia/Shanghai"
clock = "wall"
grid_region = "north-china"

[[zones]]
id = "yard"
name = {{ en = "Yard", zh = "院子" }}

[[assets]]
id = "centre"
kind = "building"
zone = "yard"
name = {{ en = "Centre", zh = "中心" }}

[[connections]]
kind = "electric"
from = "grid"
to = "centre"

[[meters]]
id = "centre.in"
asset = "centre"
measures = "grid_import"
reports = "interval"
rated_kw = 20.0
"#
    )
}
