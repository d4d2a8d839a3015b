from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0019_user_language'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='speaks',
            field=models.CharField(choices=[('all', 'All news'), ('open', 'Only news of the open conversation'), ('off', 'No news, only failures and answers to what I do')], db_default='all', default='all', help_text='What pages read out to a screen reader by themselves', max_length=4),
        ),
    ]
