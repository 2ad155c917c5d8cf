RELEASE change;
