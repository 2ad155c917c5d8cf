SELECT num FROM notifications WHERE state = 'sending' ORDER BY num;
