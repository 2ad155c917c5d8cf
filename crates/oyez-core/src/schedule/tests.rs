//! Tables of schedules, with the known traps of daylight saving.
