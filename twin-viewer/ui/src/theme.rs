//! Calm grey, saturated colour only for what is abnormal or for the chosen overlay (ISA-101); one font for both languages.

use std::sync::Arc;

use egui::{Color32, FontData, FontDefinitions, FontFamily, FontId, Stroke, TextStyle, Theme};
use terrarium_view_model::color::{Rgb, of_priority};
use terrarium_view_model::{AlarmPriority, Quality};

/// Subset of Noto Sans CJK SC with subscript digits; see `fonts/make-subset.py`.
pub(crate) const FONT: &[u8] = include_bytes!("../fonts/terrarium-sans-sc.otf");
const FONT_NAME: &str = "Terrarium Sans SC";

pub(crate) const INK: Color32 = Color32::from_gray(32);
pub(crate) const FAINT_INK: Color32 = Color32::from_gray(96);
pub(crate) const PANEL: Color32 = Color32::from_gray(236);
pub(crate) const FIELD: Color32 = Color32::from_gray(248);
pub(crate) const LINE: Color32 = Color32::from_gray(190);
pub(crate) const EQUIPMENT: Color32 = Color32::from_gray(150);
pub(crate) const GROUND: Color32 = Color32::from_gray(222);
/// The frame of a replay: a violet that nothing else has, told apart from alarm red, orange and blue.
pub(crate) const REPLAY: Color32 = Color32::from_rgb(110, 64, 170);
/// What is picked out by the person.
pub(crate) const SELECTED: Color32 = Color32::from_gray(16);

/// Gives egui our font and colours. Call once, before the first frame; fonts that others registered stay behind ours.
pub fn install(ctx: &egui::Context) {
    let mut fonts = FontDefinitions::empty();
    fonts
        .font_data
        .insert(FONT_NAME.into(), Arc::new(FontData::from_static(FONT)));
    for family in [FontFamily::Proportional, FontFamily::Monospace] {
        fonts.families.insert(family, vec![FONT_NAME.into()]);
    }
    ctx.set_fonts(fonts);
    ctx.set_theme(Theme::Light);
    ctx.all_styles_mut(|style| {
        style.text_styles = [
            (TextStyle::Small, 11.0),
            (TextStyle::Body, 13.5),
            (TextStyle::Button, 13.5),
            (TextStyle::Monospace, 13.0),
            (TextStyle::Heading, 16.0),
        ]
        .map(|(text_style, size)| (text_style, FontId::proportional(size)))
        .into();
        style.spacing.item_spacing = egui::vec2(6.0, 4.0);
        // Panels don't slide about: motion on a wall draws the eye for nothing.
        style.animation_time = 0.0;
        let visuals = &mut style.visuals;
        visuals.panel_fill = PANEL;
        visuals.window_fill = PANEL;
        visuals.extreme_bg_color = FIELD;
        visuals.override_text_color = Some(INK);
        visuals.selection.bg_fill = Color32::from_gray(200);
        visuals.selection.stroke = Stroke::new(1.0, INK);
        visuals.window_shadow = egui::Shadow::NONE;
        visuals.popup_shadow = egui::Shadow::NONE;
        visuals.hyperlink_color = INK;
    });
}

pub(crate) fn color(Rgb([red, green, blue]): Rgb) -> Color32 {
    Color32::from_rgb(red, green, blue)
}

pub(crate) fn priority_color(priority: AlarmPriority) -> Color32 {
    color(of_priority(priority))
}

/// The colour of a number by how far it can be trusted: ink, or the grey of what is old.
pub(crate) fn quality_ink(quality: Option<Quality>) -> Color32 {
    match quality {
        Some(quality) if quality.is_trusted() => INK,
        _ => FAINT_INK,
    }
}
