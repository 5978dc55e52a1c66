use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

use crate::mfa::MfaError;

/// Light modules around a code, as ISO/IEC 18004 wants them.
const QUIET_ZONE: usize = 4;
/// Pixels of a module's edge: so many that a row of it is one byte.
const SCALE: usize = 8;

pub(super) fn code(url: &str) -> Result<QrCode, MfaError> {
    let too_long = |_| MfaError::Invalid("the account's name is too long for a QR code");
    QrCode::with_error_correction_level(url, EcLevel::M).map_err(too_long)
}

/// An SVG document, eight units a module.
pub(super) fn svg(code: &QrCode) -> String {
    code.render::<svg::Color>().build()
}

/// A PNG image, black on white, eight pixels a module.
pub(super) fn png(code: &QrCode) -> Vec<u8> {
    let modules = code.width() + 2 * QUIET_ZONE;
    let mut rows = vec![0xff; modules * modules * SCALE];
    let pixel_rows = rows.chunks_mut(modules).skip(QUIET_ZONE * SCALE);
    let repeated = code.to_colors();
    let repeated = repeated.chunks(code.width()).flat_map(|colors| std::iter::repeat_n(colors, SCALE));
    for (row, colors) in pixel_rows.zip(repeated) {
        for (byte, color) in row[QUIET_ZONE..].iter_mut().zip(colors) {
            *byte = color.select(0, 0xff);
        }
    }
    written(modules * SCALE, &rows).expect("a Vec takes a small image")
}

fn written(edge: usize, rows: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let edge = u32::try_from(edge).map_err(|_| png::EncodingError::LimitsExceeded)?;
    let mut image = Vec::new();
    let mut encoder = png::Encoder::new(&mut image, edge, edge);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rows)?;
    writer.finish()?;
    Ok(image)
}
