//! Every text of the viewer in English and in Chinese. A text without one of them does not compile.

use terrarium_model::{AssetKind, ConnectionKind, Name};

use crate::alarm::{AlarmPriority, AlarmState};
use crate::quality::Quality;
use crate::quantity::Quantity;

/// The languages of the viewer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    #[default]
    English,
    Chinese,
}

impl Language {
    pub const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// A name of the park file in this language.
    pub fn of(self, name: &Name) -> &str {
        match self {
            Language::English => &name.en,
            Language::Chinese => &name.zh,
        }
    }

    /// Its own name for itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::Chinese => "中文",
        }
    }

    /// The one to switch to.
    pub fn other(self) -> Language {
        match self {
            Language::English => Language::Chinese,
            Language::Chinese => Language::English,
        }
    }
}

macro_rules! words {
    ($($word:ident => $english:literal, $chinese:literal;)+) => {
        /// A text of the viewer. `{name}` stands for what [`Word::with`] fills in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Word { $($word,)+ }

        impl Word {
            /// All of them.
            pub const ALL: &[Word] = &[$(Word::$word,)+];

            /// The text.
            pub fn text(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Word::$word, Language::English) => $english,
                      (Word::$word, Language::Chinese) => $chinese,)+
                }
            }
        }
    };
}

words! {
    // Top bar and time.
    Live => "Live", "实时";
    Replay => "Replay", "回放";
    ReplayBanner => "REPLAY {time}: commands are locked", "回放 {time}：操作已锁定";
    ReturnToLive => "Return to live", "返回实时";
    Play => "Play", "播放";
    PlayBackwards => "Play backwards", "倒放";
    Pause => "Pause", "暂停";
    StepBack => "Previous event", "上一事件";
    StepForward => "Next event", "下一事件";
    Loop => "Loop", "循环";
    Speed => "Speed", "速度";
    Waiting => "Fetching…", "读取中…";
    WholeRecord => "Whole record", "全部记录";
    ZoomIn => "Zoom in", "放大";
    ZoomOut => "Zoom out", "缩小";
    LagSensor => "Sensor", "传感";
    LagStream => "Stream", "传输";
    LagProjection => "Projection", "投影";
    LagEvents => "{count} events", "{count} 个事件";
    VerifiedTo => "Shown up to event {position}", "已显示至事件 {position}";
    Connecting => "Connecting to {server}", "正在连接 {server}";
    StaleSince => "Cut off since {time}: everything shown is old", "自 {time} 起断线：所示均为旧值";
    WrongVersion => "The server speaks another version: {reason}", "服务器版本不符：{reason}";
    NoSuchPark => "The server knows no park “{park}”. It has: {parks}", "服务器没有园区“{park}”，现有：{parks}";
    NotAllowed => "The server refuses: {reason}", "服务器拒绝：{reason}";
    BadPark => "The park's definition can't be read: {reason}", "无法读取园区定义：{reason}";
    NoGeometry => "The park file gives no places: assets stand in rows", "园区文件未给出位置：设备按行排列";
    Language => "Language", "语言";
    Plan => "Plan", "平面图";
    Scene => "3D scene", "三维场景";
    Close => "Close", "关闭";
    Cancel => "Cancel", "取消";
    Home => "Whole park", "全园视图";
    NorthUp => "North up", "正北";
    FlyTo => "Go there", "前往";
    View => "View", "视图";
    ReducedMotion => "Less motion", "减少动画";
    UiScale => "Size {count} %", "大小 {count} %";
    AddBookmark => "Keep this view", "保存此视角";
    Bookmark => "View {count}", "视角 {count}";

    // Alarms.
    Alarms => "Alarms", "报警";
    NoAlarms => "No alarms", "无报警";
    Unacknowledged => "{count} unacknowledged", "{count} 条未确认";
    Shelved => "Shelved", "已搁置";
    ShelvedUntil => "Shelved until {time} by {actor}: {reason}", "由 {actor} 搁置至 {time}：{reason}";
    AlarmRate => "In 10 min", "10 分钟内";
    AlarmFlood => "Alarm flood: {count} in 10 minutes. First out: {alarm}", "报警泛滥：10 分钟内 {count} 条。首发：{alarm}";
    FirstOut => "First out", "首发";
    Cause => "Cause", "原因";
    Consequence => "Consequence", "后果";
    Action => "Action", "处置";
    TimeLeft => "{time} left", "剩余 {time}";
    TimeOver => "{time} over", "超时 {time}";
    Acknowledge => "Acknowledge", "确认";
    Shelve => "Shelve…", "搁置…";
    ShelveFor => "Shelve for {time}", "搁置 {time}";
    Unshelve => "Unshelve", "取消搁置";
    Reason => "Reason", "原因说明";
    ReasonNeeded => "A reason is needed", "须填写原因";
    Before15 => "15 minutes before", "前 15 分钟";
    ValueAndLimit => "Value {value}, limit {limit}", "数值 {value}，限值 {limit}";
    RaisedAt => "Raised {time}", "发生于 {time}";
    PriorityHigh => "High", "高";
    PriorityMedium => "Medium", "中";
    PriorityLow => "Low", "低";
    StateNormal => "Normal", "正常";
    StateUnacknowledged => "Unacknowledged", "未确认";
    StateAcknowledged => "Acknowledged", "已确认";
    StateReturned => "Returned, unacknowledged", "已恢复未确认";
    StateSuppressed => "Suppressed by design", "设计抑制";
    StateOutOfService => "Out of service", "停用";

    // Overlays and quality.
    Overlays => "Overlay", "专题";
    OverlayNone => "None", "无";
    OverlayPower => "Power", "功率";
    OverlayStateOfCharge => "State of charge", "荷电状态";
    OverlayWater => "Water level", "水位";
    OverlayWasteFill => "Waste fill", "垃圾满度";
    OverlayCarbonIntensity => "Carbon intensity", "碳强度";
    OverlayDataQuality => "Data quality", "数据质量";
    OverlayImbalance => "Imbalance", "不平衡";
    CoverageMeters => "{have} of {of} assets", "{of} 个设备中的 {have} 个";
    ParkTotal => "Park", "全园";
    NoData => "No data", "无数据";
    Gives => "gives", "送出";
    Takes => "takes", "用入";
    QualityGood => "Good", "良好";
    QualityEstimated => "Estimated", "估算";
    QualitySubstituted => "Corrected", "人工更正";
    QualityUncertain => "Uncertain", "存疑";
    QualityOutOfRange => "Out of range", "超量程";
    QualityFutureStamp => "Time in the future", "时标超前";
    QualityStale => "Stale", "陈旧";
    QualityBad => "Bad", "无效";

    // Selection.
    Selection => "Selection", "选中";
    NothingSelected => "Click an asset, or search", "点击设备或搜索";
    SelectedCount => "{count} assets selected", "已选 {count} 个设备";
    Back => "Back", "后退";
    Forward => "Forward", "前进";
    Now => "Now", "当前";
    AtMoment => "At {time}", "{time} 时";
    Trend => "Trend", "趋势";
    Events => "Events", "事件";
    Relations => "Relations", "关联";
    Carbon => "Carbon", "碳";
    NoEvents => "No events here", "此处无事件";
    NoTrend => "No course of values here", "此处无数值历史";
    PublicGrid => "Public grid", "公共电网";
    Zone => "Zone", "分区";
    Kind => "Kind", "类型";
    RatedPower => "Rated power", "额定功率";
    Capacity => "Capacity", "容量";
    Meters => "Meters", "计量表";
    Age => "{time} old", "{time} 前";
    JumpTo => "Show this moment", "查看此刻";
    Search => "Search: name, id, pinyin initials", "搜索：名称、编号、拼音首字母";
    NothingFound => "Nothing found", "未找到";

    // Commands.
    Commands => "Commands", "操作";
    CommandsLocked => "Commands are locked in replay", "回放中操作已锁定";
    StartIrrigation => "Start irrigation…", "开始灌溉…";
    IrrigateLitres => "Irrigate {zone} with {value}", "向 {zone} 灌溉 {value}";
    LimitChargerTo => "Limit {charger} to {value}", "将 {charger} 限制为 {value}";
    AcknowledgeAlarm => "Acknowledge {alarm}", "确认 {alarm}";
    ShelveAlarm => "Shelve {alarm} until {time}", "搁置 {alarm} 至 {time}";
    UnshelveAlarm => "Unshelve {alarm}", "取消搁置 {alarm}";
    LimitCharging => "Limit charging…", "限制充电…";
    Send => "Send", "执行";
    Confirm => "{what}?", "{what}？";
    Asked => "Asked: {value}", "已下达：{value}";
    Obeyed => "Obeyed: {value}", "已执行：{value}";
    Missed => "Missed: {value}", "未执行：{value}";
    CommandSent => "Sent: {what}", "已发送：{what}";
    CommandDone => "Recorded: {what}", "已记录：{what}";
    CommandFailed => "Refused: {what}. {reason}", "被拒绝：{what}。{reason}";

    // Carbon.
    CarbonLedger => "Carbon ledger", "碳账本";
    Scope2 => "Scope 2, location-based", "范围二（基于位置）";
    Avoided => "Avoided by export (not netted)", "外送避免排放（不抵扣）";
    SelfUse => "Own use of generation", "自发自用";
    MatchedShare => "Matched hour by hour", "逐时匹配率";
    Consumption => "Consumption", "用电";
    Generation => "Generation", "发电";
    GridImport => "From the grid", "下网电量";
    GridExport => "To the grid", "上网电量";
    Unexplained => "Unexplained", "未解释";
    HoursCovered => "{have} of {of} hours metered", "{of} 小时中 {have} 小时有计量";
    HoursWithoutFactor => "{count} hours without a factor count in no total", "{count} 小时无排放因子，未计入总量";
    NoLedger => "No balance yet", "尚无账目";
    Period => "{from} to {to}", "{from} 至 {to}";

    // Session, vehicles and asks.
    SessionRuns => "Charging", "充电中";
    SessionGivesBack => "Giving back", "反向供电";
    NoSession => "No car", "无车辆";
    Irrigating => "Irrigating", "灌溉中";
    Overflowing => "Overflowing", "满溢";

    // Units of time.
    Seconds => "{count} s", "{count} 秒";
    Minutes => "{count} min", "{count} 分";
    Hours => "{count} h", "{count} 小时";
    Days => "{count} d", "{count} 天";

    // Quantities.
    QConsumption => "Consumption", "用电功率";
    QGeneration => "Generation", "发电功率";
    QGridImport => "Grid import", "下网功率";
    QGridExport => "Grid export", "上网功率";
    QStorageCharge => "Charging", "充电功率";
    QStorageDischarge => "Discharging", "放电功率";
    QStored => "Stored energy", "储存电量";
    QStoragePower => "Store's own power", "储能自报功率";
    QSession => "Session", "充电会话";
    QSessionPower => "Session power", "会话功率";
    QSessionIn => "Charged", "已充电量";
    QSessionOut => "Given back", "反送电量";
    QVehicleClass => "Vehicle class", "车型";
    QFaults => "Faults", "故障数";
    QAskedLimit => "Limit asked for", "下达限值";
    QAskState => "What became of it", "执行情况";
    QLevel => "Water held", "存水量";
    QIrrigating => "Irrigating", "灌溉";
    QIrrigated => "Irrigated", "累计灌溉";
    QSupply => "Mains water", "市政供水";
    QReclaimed => "Reclaimed water", "再生水";
    QRain => "Rain water", "雨水";
    QFill => "Fill", "满度";
    QWeight => "Weight", "重量";
    QOverflowing => "Overflowing", "满溢";
    QCompost => "Compost", "堆肥量";
    QCompostTemperature => "Compost temperature", "堆肥温度";
    QTrees => "Living trees", "存活树木";
    QTreeHeight => "Mean height", "平均树高";
    QTreeCo2 => "CO₂ held", "固碳量（CO₂）";
    QVisitors => "Visitors", "入园人数";
    QAirTemperature => "Air temperature", "气温";
    QIrradiance => "Irradiance", "太阳辐照";
    QWind => "Wind", "风速";
    QRainfall => "Rain", "降雨";
    QCloud => "Cloud", "云量";
    QAlarmState => "Alarm", "报警状态";

    // What flows.
    FlowElectric => "Electricity", "电";
    FlowWater => "Water", "水";
    FlowWaste => "Waste", "垃圾";
    FlowHeat => "Heat", "热";

    // Kinds of assets.
    KindBuilding => "Building", "建筑";
    KindPv => "Solar panels", "光伏";
    KindWind => "Wind turbine", "风机";
    KindBattery => "Battery", "储能电池";
    KindCharger => "Charger", "充电桩";
    KindLoad => "Load", "用电设备";
    KindConnectionPoint => "Grid connection", "并网点";
    KindDcBus => "DC bus", "直流母线";
    KindTank => "Tank", "水箱";
    KindIrrigationZone => "Irrigated ground", "灌溉区";
    KindFixture => "Fixtures", "用水器具";
    KindBin => "Bin", "垃圾箱";
    KindCompostBay => "Compost bay", "堆肥仓";
    KindTreeGroup => "Trees", "树木";
    KindHeatPump => "Heat pump", "热泵";
    KindSolarThermal => "Solar thermal", "太阳能集热";
    KindChiller => "Chiller", "冷水机";
    KindLighting => "Lighting", "照明";
    KindDisplay => "Display", "显示屏";
    KindWeatherStation => "Weather station", "气象站";
    KindEntranceCounter => "Entrance counter", "客流计数";
    KindVehicle => "Vehicle", "车辆";
    KindShuttle => "Shuttle", "接驳车";
}

impl Word {
    /// The text with its `{names}` filled in. A name that is not filled in stays, so that it is seen.
    pub fn with(self, language: Language, parts: &[(&str, &str)]) -> String {
        let mut filled = String::new();
        let mut rest = self.text(language);
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            let part = parts.iter().find(|(known, _)| *known == name);
            match part {
                Some((_, part)) => filled.push_str(part),
                None => {
                    filled.push('{');
                    filled.push_str(name);
                    filled.push('}');
                }
            }
            rest = after;
        }
        filled.push_str(rest);
        filled
    }

    /// The word for a quantity.
    pub fn of_quantity(quantity: Quantity) -> Word {
        match quantity {
            Quantity::ConsumptionW => Word::QConsumption,
            Quantity::GenerationW => Word::QGeneration,
            Quantity::GridImportW => Word::QGridImport,
            Quantity::GridExportW => Word::QGridExport,
            Quantity::StorageChargeW => Word::QStorageCharge,
            Quantity::StorageDischargeW => Word::QStorageDischarge,
            Quantity::StoredWh => Word::QStored,
            Quantity::StoragePowerW => Word::QStoragePower,
            Quantity::Session => Word::QSession,
            Quantity::SessionPowerW => Word::QSessionPower,
            Quantity::SessionInWh => Word::QSessionIn,
            Quantity::SessionOutWh => Word::QSessionOut,
            Quantity::VehicleClass => Word::QVehicleClass,
            Quantity::Faults => Word::QFaults,
            Quantity::AskedLimitW => Word::QAskedLimit,
            Quantity::AskState => Word::QAskState,
            Quantity::LevelL => Word::QLevel,
            Quantity::Irrigating => Word::QIrrigating,
            Quantity::IrrigatedL => Word::QIrrigated,
            Quantity::SupplyLPerH => Word::QSupply,
            Quantity::ReclaimedLPerH => Word::QReclaimed,
            Quantity::RainLPerH => Word::QRain,
            Quantity::FillPermille => Word::QFill,
            Quantity::WeightG => Word::QWeight,
            Quantity::Overflowing => Word::QOverflowing,
            Quantity::CompostG => Word::QCompost,
            Quantity::CompostTemperatureMc => Word::QCompostTemperature,
            Quantity::Trees => Word::QTrees,
            Quantity::TreeHeightCm => Word::QTreeHeight,
            Quantity::TreeCo2G => Word::QTreeCo2,
            Quantity::VisitorsPerH => Word::QVisitors,
            Quantity::AirTemperatureMc => Word::QAirTemperature,
            Quantity::IrradianceWPerM2 => Word::QIrradiance,
            Quantity::WindMmPerS => Word::QWind,
            Quantity::RainUmPerH => Word::QRainfall,
            Quantity::CloudPermille => Word::QCloud,
            Quantity::AlarmState => Word::QAlarmState,
        }
    }

    /// The word for a kind of asset.
    pub fn of_kind(kind: AssetKind) -> Word {
        match kind {
            AssetKind::Building => Word::KindBuilding,
            AssetKind::Pv => Word::KindPv,
            AssetKind::Wind => Word::KindWind,
            AssetKind::Battery => Word::KindBattery,
            AssetKind::Charger => Word::KindCharger,
            AssetKind::Load => Word::KindLoad,
            AssetKind::ConnectionPoint => Word::KindConnectionPoint,
            AssetKind::DcBus => Word::KindDcBus,
            AssetKind::Tank => Word::KindTank,
            AssetKind::IrrigationZone => Word::KindIrrigationZone,
            AssetKind::Fixture => Word::KindFixture,
            AssetKind::Bin => Word::KindBin,
            AssetKind::CompostBay => Word::KindCompostBay,
            AssetKind::TreeGroup => Word::KindTreeGroup,
            AssetKind::HeatPump => Word::KindHeatPump,
            AssetKind::SolarThermal => Word::KindSolarThermal,
            AssetKind::Chiller => Word::KindChiller,
            AssetKind::Lighting => Word::KindLighting,
            AssetKind::Display => Word::KindDisplay,
            AssetKind::WeatherStation => Word::KindWeatherStation,
            AssetKind::EntranceCounter => Word::KindEntranceCounter,
            AssetKind::Vehicle => Word::KindVehicle,
            AssetKind::Shuttle => Word::KindShuttle,
        }
    }

    /// The word for what flows along a connection.
    pub fn of_connection(kind: ConnectionKind) -> Word {
        match kind {
            ConnectionKind::Electric => Word::FlowElectric,
            ConnectionKind::Water => Word::FlowWater,
            ConnectionKind::Waste => Word::FlowWaste,
            ConnectionKind::Heat => Word::FlowHeat,
        }
    }

    /// The word for a quality.
    pub fn of_quality(quality: Quality) -> Word {
        match quality {
            Quality::Good => Word::QualityGood,
            Quality::Estimated => Word::QualityEstimated,
            Quality::Substituted => Word::QualitySubstituted,
            Quality::Uncertain => Word::QualityUncertain,
            Quality::OutOfRange => Word::QualityOutOfRange,
            Quality::FutureStamp => Word::QualityFutureStamp,
            Quality::Stale => Word::QualityStale,
            Quality::Bad => Word::QualityBad,
        }
    }

    /// The word for a priority.
    pub fn of_priority(priority: AlarmPriority) -> Word {
        match priority {
            AlarmPriority::High => Word::PriorityHigh,
            AlarmPriority::Medium => Word::PriorityMedium,
            AlarmPriority::Low => Word::PriorityLow,
        }
    }

    /// The word for an alarm's state.
    pub fn of_alarm_state(state: AlarmState) -> Word {
        match state {
            AlarmState::Normal => Word::StateNormal,
            AlarmState::Unacknowledged => Word::StateUnacknowledged,
            AlarmState::Acknowledged => Word::StateAcknowledged,
            AlarmState::ReturnedUnacknowledged => Word::StateReturned,
            AlarmState::Shelved => Word::Shelved,
            AlarmState::Suppressed => Word::StateSuppressed,
            AlarmState::OutOfService => Word::StateOutOfService,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(text: &str) -> BTreeSet<&str> {
        text.split('{')
            .skip(1)
            .filter_map(|part| part.split_once('}'))
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn both_languages_fill_in_the_same_parts() {
        for word in Word::ALL {
            let [english, chinese] = Language::ALL.map(|language| names(word.text(language)));
            assert_eq!(english, chinese, "{word:?}");
        }
    }

    #[test]
    fn carbon_dioxide_is_written_with_its_subscript() {
        for word in Word::ALL {
            for language in Language::ALL {
                assert!(!word.text(language).contains("CO2"), "{word:?}");
            }
        }
    }

    #[test]
    fn parts_are_filled_in_and_a_forgotten_one_is_seen() {
        let filled = Word::CoverageMeters.with(Language::Chinese, &[("have", "37"), ("of", "40")]);
        assert_eq!(filled, "40 个设备中的 37 个");
        let forgotten = Word::CoverageMeters.with(Language::English, &[("of", "40")]);
        assert_eq!(forgotten, "{have} of 40 assets");
    }
}
