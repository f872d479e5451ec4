//! Dates, for templates that say which day it is.

use std::time::{SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] =
    ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

/// Seconds since 1970, in UTC.
pub(super) fn now() -> u64 {
    // A clock before 1970 is wrong anyway.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// A time in UTC in a format of C's `strftime`: `%Y %m %d %B %b %A %a %H %M %S %%`.
///
/// # Errors
/// The directive that is none of these.
pub(super) fn format(seconds: u64, format: &str) -> Result<String, String> {
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, date) = civil(day);
    let (month_name, day_name) = (MONTHS[month as usize - 1], DAYS[(day % 7) as usize]);
    let mut text = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        text += &match characters.next() {
            Some('Y') => year.to_string(),
            Some('m') => format!("{month:02}"),
            Some('d') => format!("{date:02}"),
            Some('B') => month_name.into(),
            Some('b') => month_name[..3].into(),
            Some('A') => day_name.into(),
            Some('a') => day_name[..3].into(),
            Some('H') => format!("{:02}", second / 3600),
            Some('M') => format!("{:02}", second / 60 % 60),
            Some('S') => format!("{:02}", second % 60),
            Some('%') => "%".into(),
            Some(other) => return Err(format!("%{other}")),
            None => return Err("%".into()),
        };
    }
    Ok(text)
}

/// Year, month and date of a day counted from 1 January 1970, in the Gregorian calendar.
fn civil(mut day: u64) -> (u64, u64, u64) {
    // 400 years have 146,097 days whichever they are.
    let mut year = 1970 + day / 146_097 * 400;
    day %= 146_097;
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    (year, month, day + 1)
}

#[cfg(test)]
mod tests {
    use super::format;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let all = "%Y-%m-%d %B %b %A %a %H:%M:%S %%";
        assert_eq!(format(0, all).unwrap(), "1970-01-01 January Jan Thursday Thu 00:00:00 %");
        // date -u -d @951827696, and the last second of a year of 366 days.
        assert_eq!(
            format(951_827_696, all).unwrap(),
            "2000-02-29 February Feb Tuesday Tue 12:34:56 %"
        );
        assert_eq!(format(1_735_689_599, "%Y-%m-%d %H:%M:%S").unwrap(), "2024-12-31 23:59:59");
        assert_eq!(format(4_107_542_400, "%d %b %Y").unwrap(), "01 Mar 2100");
    }

    #[test]
    fn other_directives_are_named() {
        assert_eq!(format(0, "%Q").unwrap_err(), "%Q");
        assert_eq!(format(0, "50 %").unwrap_err(), "%");
    }
}
