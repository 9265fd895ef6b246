//! The texts themselves: a word, its English, its Chinese.

use super::Language;

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
    Waiting => "Fetching...", "读取中…";
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
    NoSuchPark => "The server knows no park \"{park}\". It has: {parks}", "服务器没有园区“{park}”，现有：{parks}";
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
    Shelve => "Shelve...", "搁置…";
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
    StartIrrigation => "Start irrigation...", "开始灌溉…";
    IrrigateLitres => "Irrigate {zone} with {value}", "向 {zone} 灌溉 {value}";
    LimitChargerTo => "Limit {charger} to {value}", "将 {charger} 限制为 {value}";
    AcknowledgeAlarm => "Acknowledge {alarm}", "确认 {alarm}";
    ShelveAlarm => "Shelve {alarm} until {time}", "搁置 {alarm} 至 {time}";
    UnshelveAlarm => "Unshelve {alarm}", "取消搁置 {alarm}";
    LimitCharging => "Limit charging...", "限制充电…";
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
    QHeat => "Heat", "供热功率";
    QHeatUse => "Heat used", "用热功率";
    QCold => "Cold", "供冷功率";
    QColdUse => "Cold used", "用冷功率";
    QIslanded => "Islanded", "离网运行";
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
    QAskedReserve => "Reserve asked for", "下达备用电量";
    QVehicleState => "Vehicle state", "车辆状态";
    QLevel => "Water held", "存水量";
    QIrrigating => "Irrigating", "灌溉";
    QIrrigated => "Irrigated", "累计灌溉";
    QSupply => "Mains water", "市政供水";
    QReclaimed => "Reclaimed water", "再生水";
    QRain => "Rain water", "雨水";
    QLeakSuspected => "Leak suspected", "疑似漏水";
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
    FlowCold => "Cold", "冷";

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

    // Drawings.
    DrawingElectric => "Electric drawing", "电气单线图";
    DrawingWater => "Water drawing", "给排水系统图";
    PublicWater => "Mains", "市政管网";
    NotConnected => "Nothing is connected in this network", "该网络没有连接";

    // Ledger.
    PeriodLast24Hours => "Last 24 h", "近 24 小时";
    PeriodDay => "Today", "当日";
    PeriodMonth => "This month", "当月";
    PeriodYear => "This year", "当年";
    BookEnergy => "Energy", "能源";
    AccountCharge => "Into stores", "充入储能";
    AccountDischarge => "Out of stores", "储能放出";
    LedgerProgress => "{share} of the consumption is covered hour by hour by own generation", "逐时由自发电覆盖的用电占 {share}";
    LedgerToGo => "Still to avoid: {mass}", "尚需减排：{mass}";
    LedgerTrees => "Living trees hold {mass} (kept apart, not netted)", "存活树木固碳 {mass}（单列，不抵扣）";
    ByAsset => "By asset", "按设备";
    Entries => "Entries of {asset}", "{asset} 的分录";
    EntriesCutShort => "Only the newest {count} entries are listed", "仅列出最近 {count} 条分录";
    NoEntries => "No entries in this period", "此期间无分录";
    Explain => "Where it comes from", "来源";
    ExplainActivity => "Activity", "活动数据";
    ExplainFactor => "Factor", "排放因子";
    ExplainFactorRow => "{value} {unit}: {set}, version {version}, row {row}, by {publisher}", "{value} {unit}：{set}，版本 {version}，第 {row} 行，{publisher} 发布";
    ExplainValid => "Valid {from} to {to}", "有效期 {from} 至 {to}";
    ExplainResult => "Result", "结果";
    ExplainExact => "Exactly {numerator} / {denominator} mg, {rounding}", "精确值 {numerator} / {denominator} mg，{rounding}";
    ExplainReading => "{meter}: {energy} of a reading of {value} {unit}, revision {revision}", "{meter}：读数 {value} {unit} 中的 {energy}，修订 {revision}";
    ExplainEvent => "Event {position}: {kind}", "事件 {position}：{kind}";
    ExplainRecorded => "Recorded {time} by {actor}", "{time} 由 {actor} 记录";

    // Comparison.
    Compare => "Compare A and B", "对比 A 与 B";
    CompareBanner => "COMPARE: A {a}, B {b}. Colours show B less A", "对比：A {a}，B {b}。颜色表示 B 减 A";
    CompareEnd => "End comparison", "结束对比";
    SetMark => "Set {mark} to the moment shown", "将 {mark} 设为所示时刻";
    GoToMark => "Show {mark}", "查看 {mark}";
    Difference => "B − A", "B − A";
    DifferenceCount => "{count} values differ", "{count} 个数值不同";
    NoDifference => "No value differs", "没有数值不同";

    // Shift report, bundle, links.
    ShiftReport => "Shift report", "交接班报告";
    ReportLast => "Last {time}", "最近 {time}";
    ReportSelection => "Selected range", "所选范围";
    SaveMarkdown => "Save as Markdown", "保存为 Markdown";
    SaveHtml => "Save as HTML", "保存为 HTML";
    Saved => "Saved: {path}", "已保存：{path}";
    NotSaved => "Not saved: {reason}", "未保存：{reason}";
    NotFetched => "Not fetched: {what}. {reason}", "未能读取：{what}。{reason}";
    SaveIncident => "Save incident bundle", "保存事件包";
    SavePicture => "Save picture", "保存画面";
    CopyLink => "Copy link to this view", "复制此视图链接";
    ReportPeriod => "{from} to {to} ({zone}). Figures hold up to event {position}.", "{from} 至 {to}（{zone}）。数据截至事件 {position}。";
    ReportAlarmCounts => "Raised {count} (high {high}, medium {medium}, low {low}), cleared {cleared}, acknowledged {acknowledged}.", "发生 {count} 条（高 {high}、中 {medium}、低 {low}），恢复 {cleared} 条，确认 {acknowledged} 条。";
    ReportTime => "Time", "时间";
    ReportAlarm => "Alarm", "报警";
    ReportPriority => "Priority", "优先级";
    ReportCleared => "Cleared after", "恢复用时";
    ReportAcknowledged => "Acknowledged after", "确认用时";
    ReportWho => "Who", "人员";
    ReportWhat => "What", "操作";
    ReportActions => "Acknowledgements and shelving", "确认与搁置";
    ReportNone => "None.", "无。";
    ReportOrders => "Setpoints and orders", "设定值与指令";
    ReportDevice => "Asset", "设备";
    ReportOutcome => "Outcome", "执行情况";
    ReportBalance => "Balances", "平衡";
    ReportWholeHours => "Whole hours from {from} to {to}.", "整小时：{from} 至 {to}。";
    ReportNotNetted => "Avoided emissions are kept apart and never subtracted.", "避免排放单列，不作抵扣。";
    ReportQuality => "Data quality", "数据质量";
    ReportHours => "{have} of {of} node hours are metered, {missing} missing, {estimated} estimated, {factor} without a factor.", "{of} 个节点小时中 {have} 个有计量，{missing} 个缺失，{estimated} 个估算，{factor} 个无排放因子。";
    ReportAllMeters => "Every meter is complete.", "所有计量表完整。";
    ReportMeter => "Meter", "计量表";
    ReportMeterHours => "Hours", "小时";
    ReportQuarantined => "Quarantined", "隔离";
    ReportFirstGap => "First gap", "首个缺口";
    EventRaised => "Raised", "发生";
    EventCleared => "Cleared", "恢复";
    EventAcknowledged => "Acknowledged", "确认";
    EventShelved => "Shelved", "搁置";
    EventUnshelved => "Unshelved", "取消搁置";
    EventSuppressed => "Suppressed", "抑制";
    EventReleased => "Released", "解除抑制";
    EventRemoved => "Out of service", "停用";
    EventReturned => "Back in service", "恢复使用";

    // Pages and help.
    PageDesk => "Desk", "操作台";
    PagePark => "Park", "园区";
    PageVisitors => "For visitors", "访客屏";
    Keys => "Keys", "按键";
    NotConnectedCommands => "Not connected: commands are locked", "未连接：操作已锁定";
    KeyPanels => "Next control / press it", "下一控件 / 按下";
    KeySelection => "Previous / next selection", "上一 / 下一选择";
    KeyAlarm => "Next alarm in the list", "列表中下一报警";
    KeyAcknowledge => "Acknowledge the open alarm", "确认打开的报警";
    KeyBookmarks => "Go to view 1 to 9", "前往视角 1 至 9";
    KeyDrawing => "Next drawing", "下一种图";
    KeyOverlay => "Next overlay", "下一专题";
    KeyAsset => "Next / previous asset", "下一 / 上一设备";
    KeyClose => "Close, or clear the selection", "关闭或取消选择";
    KeyScale => "Larger / smaller", "放大 / 缩小界面";
    KeyCamera => "Turn and tilt the camera; nearer, farther", "转动与俯仰视角；拉近、拉远";

    // For visitors.
    VisitorsNow => "Clean power now", "当前清洁电力";
    VisitorsToday => "Today", "今日";
    VisitorsSun => "Today's sun", "今日阳光";
    VisitorsSunUp => "The sun stands {angle} above the horizon", "太阳高度角 {angle}";
    VisitorsSunDown => "The sun is below the horizon", "太阳在地平线以下";
    VisitorsGenerated => "{value} generated today", "今日发电 {value}";
    VisitorsConsumed => "{value} used today", "今日用电 {value}";
    VisitorsProgress => "On the way to zero carbon", "迈向零碳";
    VisitorsMatched => "of today's electricity comes from the park itself, hour by hour", "的今日用电逐时来自园区自发电";
    VisitorsEmitted => "{mass} still came with grid electricity", "电网用电仍带来 {mass}";
    VisitorsWater => "Rain water", "雨水";
    VisitorsRainHeld => "{value} held in the tanks", "水箱存有 {value}";
    VisitorsWaste => "Waste", "垃圾";
    VisitorsBins => "Bins are {share} full on average", "垃圾箱平均满度 {share}";
    VisitorsCompost => "{mass} become compost", "{mass} 正在堆肥";
    VisitorsTrees => "Trees", "树木";
    VisitorsTreesAlive => "{count} trees grow here", "园内存活树木 {count} 棵";
    VisitorsTreesHold => "They hold {mass}", "固碳 {mass}";
    VisitorsNoData => "Not known at the moment", "暂无数据";
}
